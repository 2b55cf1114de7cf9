// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_OPENCV_CORE_HPP
#define HYPERPRED_OPENCV_CORE_HPP

// What stems without images take from OpenCV's core: parallel loops, the number of threads, aligned memory. The bare
// build (HYPERPRED_BARE: a GPU machine without OpenCV) has the same names from the standard library.

#ifndef HYPERPRED_WITHOUT_OPENCV

#include <opencv2/core/utility.hpp>

#else

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <new>
#include <thread>
#include <vector>

namespace cv {

inline void* fastMalloc(size_t bytes) {
    return ::operator new(bytes, std::align_val_t(64));
}

inline void fastFree(void* memory) {
    ::operator delete(memory, std::align_val_t(64));
}

struct Range {
    Range(int first, int last) : start(first), end(last) {}
    int start, end;
};

inline int getNumThreads() {
    return std::max(1, int(std::thread::hardware_concurrency()));
}

inline void parallel_for_(const Range& range, const std::function<void(const Range&)>& body, double = -1) {
    const int count = range.end - range.start, parts = std::min(count, getNumThreads());
    std::vector<std::exception_ptr> errors(size_t(std::max(0, parts)));
    std::vector<std::thread> threads;
    for (int part = 0; part < parts; ++part) {
        threads.emplace_back([&, part] {
            try {
                body(Range(range.start + int(int64_t(count) * part / parts),
                           range.start + int(int64_t(count) * (part + 1) / parts)));
            } catch (...) {
                errors[size_t(part)] = std::current_exception();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& error : errors) {
        if (error) std::rethrow_exception(error);
    }
}

}  // namespace cv

#endif

#endif
