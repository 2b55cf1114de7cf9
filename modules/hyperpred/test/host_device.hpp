// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_HOST_DEVICE_HPP
#define HYPERPRED_TEST_HOST_DEVICE_HPP

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <vector>

#include "cuda/device.hpp"
#include "fallback_backend.hpp"

// A cuda::Device without a GPU: the kernels of src/cuda run block after block, phase after phase, thread after thread
// on the host, in memory of its own that starts as NaN. It can be told to run out of memory and to die.

namespace cv {
namespace hyperpred {
namespace test {

// Memory aligned as cudaMalloc aligns it: kernels move 16 and 32 bytes at once.
template <class T>
struct DeviceAllocator {
    using value_type = T;
    DeviceAllocator() = default;
    template <class U>
    DeviceAllocator(const DeviceAllocator<U>&) {}
    T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(256))); }
    void deallocate(T* memory, size_t) { ::operator delete(memory, std::align_val_t(256)); }
    template <class U>
    bool operator==(const DeviceAllocator<U>&) const {
        return true;
    }
    template <class U>
    bool operator!=(const DeviceAllocator<U>&) const {
        return false;
    }
};
template <class T>
using DeviceVector = std::vector<T, DeviceAllocator<T>>;

// Runs a kernel as a device would, in one of many legal orders: `backwards` takes blocks and threads from the end, so
// that a kernel that reads what its neighbour writes gives other numbers.
template <class K>
std::enable_if_t<!cuda::IsCluster<K>::value> runOnHost(const K& kernel, bool backwards = false) {
    const int64_t blocks = kernel.blocks();
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t block = backwards ? blocks - 1 - b : b;
        typename K::Shared shared;
        std::memset(static_cast<void*>(&shared), 0xff, sizeof(shared));
        for (int phase = 0; phase < K::kPhases; ++phase) {
            for (int t = 0; t < K::kThreads; ++t) {
                kernel.phase(phase, block, backwards ? K::kThreads - 1 - t : t, shared);
            }
        }
    }
}

// A cluster: each block runs until it has to wait for the others, so that it is as far ahead of them as it can be.
template <class K>
std::enable_if_t<cuda::IsCluster<K>::value> runOnHost(const K& kernel, bool backwards = false) {
    std::vector<typename K::Shared> shared(size_t(K::kCluster));
    std::memset(static_cast<void*>(shared.data()), 0xff, sizeof(typename K::Shared) * shared.size());
    for (int first = 0, end = 0; first < kernel.phases(); first = end) {
        while (end < kernel.phases() && !kernel.waitsForAll(end++)) continue;
        for (int b = 0; b < K::kCluster; ++b) {
            const int block = backwards ? K::kCluster - 1 - b : b;
            for (int phase = first; phase < end; ++phase) {
                for (int t = 0; t < K::kThreads; ++t) {
                    kernel.phase(phase, block, backwards ? K::kThreads - 1 - t : t, shared[size_t(block)]);
                }
            }
        }
    }
}

template <class List>
struct HostTable;
template <class... Kernels>
struct HostTable<cuda::KernelList<Kernels...>> {
    // Of a kernel's arguments: the kernel as a function of `backwards`.
    using Maker = std::function<void(bool)> (*)(const void*);
    template <class K>
    static std::function<void(bool)> make(const void* arguments) {
        const K kernel = *static_cast<const K*>(arguments);
        return [kernel](bool backwards) { runOnHost(kernel, backwards); };
    }
    static Maker of(int kernel) {
        static const Maker table[] = {&HostTable::make<Kernels>...};
        return table[kernel];
    }
};

struct HostSettings {
    size_t chunkBytes = 96 << 10;
    size_t memory = size_t(1) << 40;  // what may be allocated at once
    size_t workspace = 0;             // of this, what a convolution wants for itself
    int64_t lifetime = -1;            // calls until the device dies; -1: it does not
    bool backwards = false;
    bool fuses = true;     // has convolveAndFinish and addSquare
    bool clusters = true;  // runs cluster kernels
    // Launches wait until something needs them, as on a device that is busy, while what is uploaded ahead arrives at
    // the first moment that it may: whoever relies on more order than was asked for gets other numbers.
    bool late = false;
};

class HostDevice : public cuda::Device {
public:
    explicit HostDevice(const HostSettings& settings) : settings_(settings) {}
    ~HostDevice() override {
        for (const auto& block : blocks_) std::free(block.first);
    }

    std::string name() const override { return "host executor"; }
    size_t chunkBytes() const override { return settings_.chunkBytes; }
    void enter() override {}

    void* allocate(size_t bytes) override {
        live();
        const std::lock_guard<std::mutex> lock(lock_);
        if (used_ + bytes > settings_.memory) {
            ++refused;
            throw DeviceFailure(DeviceFailure::Kind::OutOfMemory,
                                "out of device memory at " + std::to_string(used_) + " bytes");
        }
        void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);  // as cudaMalloc aligns
        std::memset(memory, 0xff, bytes);
        blocks_[memory] = bytes;
        used_ += bytes;
        most = std::max(most, used_);
        return memory;
    }
    void release(void* memory) noexcept override {
        work();
        const std::lock_guard<std::mutex> lock(lock_);
        used_ -= blocks_[memory];
        blocks_.erase(memory);
        std::free(memory);
    }

    void upload(void* to, const void* from, size_t bytes) override {
        live();
        const char* begin = static_cast<const char*>(from);
        const std::vector<char> kept(begin, begin + bytes);  // the caller's memory may change from now on
        submit([to, kept] { std::memcpy(to, kept.data(), kept.size()); });
    }
    void download(void* to, const void* from, size_t bytes) override {
        live();
        work();
        std::memcpy(to, from, bytes);
    }
    struct Moment : cuda::Mark {
        int64_t at = 0;  // launches before it
    };
    std::unique_ptr<cuda::Mark> mark(std::unique_ptr<cuda::Mark> old) override {
        live();
        if (!old) old = std::make_unique<Moment>();
        static_cast<Moment&>(*old).at = submitted_;
        return old;
    }
    void uploadAhead(void* to, const void* from, size_t bytes, const cuda::Mark& free) override {
        live();
        work(static_cast<const Moment&>(free).at);
        std::memcpy(to, from, bytes);
    }
    void copy(void* to, const void* from, size_t bytes) override {
        live();
        submit([=] { std::memcpy(to, from, bytes); });
    }
    void clear(void* memory, size_t bytes) override {
        live();
        submit([=] { std::memset(memory, 0, bytes); });
    }
    void finish() override {
        live();
        work();
    }

    void launch(int kernel, const void* arguments, int64_t blocks) override {
        live();
        ++launches;
        if (launched) launched->insert(kernel);
        if (blocks > INT32_MAX) throw DeviceFailure(DeviceFailure::Kind::Unusable, "a grid beyond 2^31 - 1 blocks");
        const std::function<void(bool)> kept = HostTable<cuda::AllKernels>::of(kernel)(arguments);
        submit([this, kept] { kept(settings_.backwards); });
    }

    bool runsClusters() override { return settings_.clusters; }

    struct Tape : cuda::Recording {
        std::vector<std::function<void()>> steps;
    };
    std::unique_ptr<cuda::Recording> record(const std::function<void()>& launches_) override {
        auto tape = std::make_unique<Tape>();
        recording_ = &tape->steps;
        launches_();
        recording_ = nullptr;
        return tape;
    }
    void replay(const cuda::Recording& recording) override {
        live();
        for (const auto& step : static_cast<const Tape&>(recording).steps) submit(step);
    }

    void convolve(const cuda::ConvolutionTask& task) override {
        live();
        if (settings_.workspace > 0) release(allocate(settings_.workspace));
        if (task.half) {
            direct<cuda::Half>(task);
        } else {
            direct<float>(task);
        }
    }
    bool convolveAndFinish(const cuda::ConvolutionTask& task) override {
        if (!settings_.fuses) return false;
        convolve(task);
        if (task.half) {
            finishMap<cuda::Half>(task);
        } else {
            finishMap<float>(task);
        }
        return true;
    }
    bool addSquare(const double* rows, int64_t n, int p, double* out) override {
        live();
        if (!settings_.fuses) return false;
        cuda::GramEntries kernel{};
        kernel.rows = rows;
        kernel.out = out;
        kernel.n = n;
        kernel.p = p;
        if (launched) launched->insert(cuda::IndexOf<cuda::GramEntries, cuda::AllKernels>::value);
        submit([this, kernel] { runOnHost(kernel, settings_.backwards); });
        return true;
    }

    int64_t callsLeft() const { return settings_.lifetime; }

    int64_t launches = 0;
    std::set<int>* launched = nullptr;  // if not null, gets their numbers, own convolutions and sums included
    int refused = 0;
    size_t most = 0;

private:
    void live() {
        if (settings_.lifetime == 0) throw DeviceFailure(DeviceFailure::Kind::Unusable, "the device died");
        if (settings_.lifetime > 0) --settings_.lifetime;
    }
    void submit(std::function<void()> step) {
        if (recording_) return recording_->push_back(std::move(step));
        ++submitted_;
        if (!settings_.late) return step();
        waiting_.push_back(std::move(step));
    }
    // All that was launched before the moment `until`; by default, all.
    void work(int64_t until = INT64_MAX) {
        for (; !waiting_.empty() && submitted_ - int64_t(waiting_.size()) < until; waiting_.pop_front()) {
            waiting_.front()();
        }
    }
    template <class T>
    void direct(const cuda::ConvolutionTask& task) {
        cuda::DirectConvolution<T> kernel{};
        kernel.in = static_cast<const T*>(task.in);
        kernel.kernel = static_cast<const T*>(task.kernel);
        kernel.out = static_cast<T*>(task.out);
        kernel.from = task.from;
        kernel.to = task.to;
        kernel.edge = task.edge;
        kernel.stride = task.stride;
        kernel.pad = task.pad;
        kernel.images = task.images;
        if (launched) launched->insert(cuda::IndexOf<decltype(kernel), cuda::AllKernels>::value);
        submit([this, kernel] { runOnHost(kernel, settings_.backwards); });
    }
    template <class T>
    void finishMap(const cuda::ConvolutionTask& task) {
        cuda::Finish<T> kernel{};
        kernel.values = static_cast<T*>(task.out);
        kernel.shift = task.shift;
        kernel.other = static_cast<const T*>(task.other);
        kernel.relu = task.relu;
        kernel.channels = task.to.channels;
        kernel.pixels = task.images * task.to.pixels();
        submit([this, kernel] { runOnHost(kernel, settings_.backwards); });
    }

    HostSettings settings_;
    std::mutex lock_;
    std::map<void*, size_t> blocks_;
    size_t used_ = 0;
    std::deque<std::function<void()>> waiting_;
    int64_t submitted_ = 0;
    std::vector<std::function<void()>>* recording_ = nullptr;
};

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
