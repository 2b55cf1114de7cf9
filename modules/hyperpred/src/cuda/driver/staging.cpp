// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/staging.hpp"

#include <algorithm>
#include <cstring>

#include "cuda/driver/checked.hpp"
#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

const size_t kBufferBytes = size_t(8) << 20;
const size_t kPartBytes = size_t(512) << 10;  // of one thread; less is not worth a thread's start

// The bus takes more than one thread can copy.
void copyInParts(void* to, const void* from, size_t bytes) {
    const int parts = int((bytes + kPartBytes - 1) / kPartBytes);
    if (parts <= 1) {
        if (bytes > 0) std::memcpy(to, from, bytes);
        return;
    }
    cv::parallel_for_(cv::Range(0, parts), [&](const cv::Range& range) {
        const size_t first = size_t(range.start) * kPartBytes, end = std::min(bytes, size_t(range.end) * kPartBytes);
        std::memcpy(static_cast<char*>(to) + first, static_cast<const char*>(from) + first, end - first);
    });
}

}  // namespace

Event::Event() {
    HYPERPRED_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
}

Event::~Event() {
    if (event_) cudaEventDestroy(event_);  // one that is waited for goes when it has come
}

void Event::record(cudaStream_t stream) const {
    HYPERPRED_CHECK(cudaEventRecord(event_, stream));
}

void Event::waitOnHost() const {
    HYPERPRED_CHECK(cudaEventSynchronize(event_));  // of an event that was never recorded: returns at once
}

void Event::waitIn(cudaStream_t stream) const {
    HYPERPRED_CHECK(cudaStreamWaitEvent(stream, event_, 0));
}

Stream::Stream() {
    HYPERPRED_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
}

Stream::~Stream() {
    if (stream_) cudaStreamDestroy(stream_);
}

Staging::Buffer::Buffer() {
    HYPERPRED_CHECK(cudaMallocHost(&memory, kBufferBytes));
}

Staging::Buffer::~Buffer() {
    if (memory) cudaFreeHost(memory);
}

void Staging::upload(void* to, const void* from, size_t bytes, cudaStream_t stream) {
    for (size_t sent = 0; sent < bytes;) {
        const size_t piece = std::min(kBufferBytes, bytes - sent);
        const Buffer& buffer = buffers_[turn_ ^= 1];
        buffer.done.waitOnHost();
        copyInParts(buffer.memory, static_cast<const char*>(from) + sent, piece);
        HYPERPRED_CHECK(
            cudaMemcpyAsync(static_cast<char*>(to) + sent, buffer.memory, piece, cudaMemcpyHostToDevice, stream));
        buffer.done.record(stream);
        sent += piece;
    }
}

void Staging::download(void* to, const void* from, size_t bytes, cudaStream_t stream) {
    size_t asked = 0, written = 0;
    const auto ask = [&] {
        const size_t piece = std::min(kBufferBytes, bytes - asked);
        const Buffer& buffer = buffers_[asked / kBufferBytes % 2];
        buffer.done.waitOnHost();  // an upload may still read it
        HYPERPRED_CHECK(cudaMemcpyAsync(buffer.memory, static_cast<const char*>(from) + asked, piece,
                                        cudaMemcpyDeviceToHost, stream));
        buffer.done.record(stream);
        asked += piece;
    };
    if (bytes > 0) ask();
    while (written < bytes) {
        if (asked < bytes) ask();
        const size_t piece = std::min(kBufferBytes, bytes - written);
        const Buffer& buffer = buffers_[written / kBufferBytes % 2];
        buffer.done.waitOnHost();
        copyInParts(static_cast<char*>(to) + written, buffer.memory, piece);
        written += piece;
    }
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
