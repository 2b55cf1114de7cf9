// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_BUFFER_HPP
#define HYPERPRED_CPU_BUFFER_HPP

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>

#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

// Floats without a first value, aligned to a cache line.
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(size_t floats)
        : data_(static_cast<float*>(cv::fastMalloc(floats * sizeof(float)))), size_(floats) {}
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { cv::fastFree(data_); }

    float* data() { return data_; }
    const float* data() const { return data_; }
    size_t size() const { return size_; }

private:
    void swap(Buffer& other) {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    float* data_ = nullptr;
    size_t size_ = 0;
};

// Buffers that are used again: fresh pages from the system would cost as much as the smaller convolutions.
class BufferPool {
public:
    Buffer take(size_t floats) {
        if (floats == 0) return Buffer();
        const std::lock_guard<std::mutex> lock(lock_);
        const auto found = free_.lower_bound(floats);
        if (found == free_.end()) return Buffer(floats);
        Buffer buffer = std::move(found->second);
        free_.erase(found);
        return buffer;
    }
    void giveBack(Buffer buffer) {
        const size_t size = buffer.size();
        if (size == 0) return;
        const std::lock_guard<std::mutex> lock(lock_);
        free_.emplace(size, std::move(buffer));
    }

private:
    std::mutex lock_;
    std::multimap<size_t, Buffer> free_;
};

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
