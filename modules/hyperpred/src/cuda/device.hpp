// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DEVICE_HPP
#define HYPERPRED_CUDA_DEVICE_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "cuda/kernel_list.hpp"
#include "cuda/map_kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// One convolution of N x H x W x C maps with padded channels. All pointers are the device's.
struct ConvolutionTask {
    bool half = false;  // Half with sums in float, else float without TF32
    int64_t images = 0;
    MapShape from, to;
    int edge = 1, stride = 1, pad = 0;
    const void* in = nullptr;
    const void* kernel = nullptr;  // O x k x k x I
    void* out = nullptr;
    // What convolveAndFinish adds: out = relu(convolution + shift + other).
    const float* shift = nullptr;  // to.channels
    const void* other = nullptr;   // as out, or null
    bool relu = false;
};

// A moment in the order of the launches.
class Mark {
public:
    virtual ~Mark() = default;
};

// A sequence of launches that a device can repeat at once.
class Recording {
public:
    virtual ~Recording() = default;
};

// All that the backend asks of a device: memory, copies, the kernels of kernel_list.hpp and two library routines, all
// in one order. CUDA is one implementation (cuda_device.cpp); the tests have another, which runs the same kernels on
// the host, counts what is allocated and fails where told to. Every member throws DeviceFailure (fallback_backend.hpp).
class Device {
public:
    virtual ~Device() = default;

    virtual std::string name() const = 0;                // "NVIDIA H200, CUDA 13.0, cuDNN 9.19"
    virtual std::string routines() const { return {}; }  // what has done the convolutions so far, for reports
    // Bytes of activations that a chunk of images may take. The same for every device of a kind: the chunk decides
    // which convolution kernels run, and those decide the last bits.
    virtual size_t chunkBytes() const = 0;
    // The calling thread's following calls are for this device.
    virtual void enter() = 0;

    virtual void* allocate(size_t bytes) = 0;
    virtual void release(void* memory) noexcept = 0;

    // Ordered among the launches. upload() has read all of `from` when it returns; download() has written all of `to`.
    virtual void upload(void* to, const void* from, size_t bytes) = 0;
    virtual void download(void* to, const void* from, size_t bytes) = 0;
    // Now, in place of `old` (or of null, a new one): what has been launched is before it, what follows is after.
    virtual std::unique_ptr<Mark> mark(std::unique_ptr<Mark> old) = 0;
    // As upload(), but beside the launches after `free`, none of which may use `to`. Launches from now on find it
    // there.
    virtual void uploadAhead(void* to, const void* from, size_t bytes, const Mark& free) = 0;
    virtual void copy(void* to, const void* from, size_t bytes) = 0;
    virtual void clear(void* memory, size_t bytes) = 0;
    virtual void finish() = 0;  // returns when all is done

    virtual void launch(int kernel, const void* arguments, int64_t blocks) = 0;
    // Whether cluster kernels can be launched and are worth it.
    virtual bool runsClusters() = 0;
    // `launches` calls launch() and copy() and nothing else; they are not done now.
    virtual std::unique_ptr<Recording> record(const std::function<void()>& launches) = 0;
    virtual void replay(const Recording& recording) = 0;

    virtual void convolve(const ConvolutionTask& task) = 0;
    // False where the device has no such routine for the task: then nothing has been done.
    virtual bool convolveAndFinish(const ConvolutionTask& task) = 0;
    // Adds X^T X of n x p doubles to `out` (p x p, upper triangle at least: entries i <= j). False as above.
    virtual bool addSquare(const double* rows, int64_t n, int p, double* out) = 0;
};

template <class K>
void launch(Device& device, const K& kernel) {
    static_assert(std::is_trivially_copyable<K>::value, "a kernel's arguments are copied as bytes");
    const int64_t blocks = kernel.blocks();
    if (blocks > 0) device.launch(IndexOf<K, AllKernels>::value, &kernel, blocks);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
