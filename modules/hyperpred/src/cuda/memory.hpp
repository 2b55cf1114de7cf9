// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_MEMORY_HPP
#define HYPERPRED_CUDA_MEMORY_HPP

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/device.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

class MemoryPool;

// Device memory that goes back to its pool.
class Memory {
public:
    Memory() = default;
    Memory(Memory&& other) noexcept { swap(other); }
    Memory& operator=(Memory&& other) noexcept {
        Memory(std::move(other)).swap(*this);
        return *this;
    }
    ~Memory();

    template <class T>
    T* as() const {
        return static_cast<T*>(start_);
    }
    float* floats() const { return as<float>(); }
    explicit operator bool() const { return start_ != nullptr; }

private:
    friend class MemoryPool;
    void swap(Memory& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(start_, other.start_);
        std::swap(bytes_, other.bytes_);
    }

    std::shared_ptr<MemoryPool> pool_;  // outlives every block
    void* start_ = nullptr;
    size_t bytes_ = 0;
};

// Keeps released blocks for the next taker: a device allocates slowly and, worse, waits for its work. All of a device's
// work is in one order, so a block may be handed on while a launch still uses it. Any thread may take and release.
class MemoryPool : public std::enable_shared_from_this<MemoryPool> {
public:
    explicit MemoryPool(std::shared_ptr<Device> device) : device_(std::move(device)) {}
    ~MemoryPool();

    Memory take(size_t bytes);
    template <class T>
    Memory takeOf(size_t count) {
        return take(count * sizeof(T));
    }
    // A block with these values.
    template <class T>
    Memory upload(const std::vector<T>& values) {
        Memory memory = takeOf<T>(values.size());
        if (!values.empty()) device_->upload(memory.as<T>(), values.data(), values.size() * sizeof(T));
        return memory;
    }
    void trim();  // gives all idle blocks to the device
    // Called where the device has no more memory, before take() tries once more: gives back what can be done without.
    void setLastResort(std::function<void()> call) { lastResort_ = std::move(call); }

    Device& device() const { return *device_; }

private:
    friend class Memory;
    struct Block {
        void* start;
        size_t bytes;
    };
    void giveBack(Block block);

    std::shared_ptr<Device> device_;
    std::function<void()> lastResort_;
    std::mutex lock_;
    std::vector<Block> idle_;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
