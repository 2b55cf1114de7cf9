// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_STAGING_HPP
#define HYPERPRED_CUDA_DRIVER_STAGING_HPP

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

namespace cv {
namespace hyperpred {
namespace cuda {

// A CUDA event without timing: a moment in a stream.
class Event {
public:
    Event();
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void record(cudaStream_t stream) const;
    void waitOnHost() const;
    // What follows in `stream` waits for the last record() before this call; later ones do not matter to it.
    void waitIn(cudaStream_t stream) const;

private:
    cudaEvent_t event_ = nullptr;
};

class Stream {
public:
    Stream();
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    operator cudaStream_t() const { return stream_; }

private:
    cudaStream_t stream_ = nullptr;
};

// Copies between host and device through two pinned buffers in turn: one is filled, by several threads, while the other
// is on its way. Only from pinned memory a copy runs beside the host and beside the device's work.
class Staging {
public:
    // Has read all of `from` when it returns.
    void upload(void* to, const void* from, size_t bytes, cudaStream_t stream);
    // Has written all of `to` when it returns.
    void download(void* to, const void* from, size_t bytes, cudaStream_t stream);

private:
    struct Buffer {
        Buffer();
        ~Buffer();
        Buffer(const Buffer&) = delete;
        Buffer& operator=(const Buffer&) = delete;
        void* memory = nullptr;
        Event done;  // from when on it may be used again, or read
    };
    Buffer buffers_[2];
    int turn_ = 0;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
