// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/workers.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

void Workers::forEach(int items, const std::function<void(int, int)>& task) const {
    std::atomic<int> next{0};
    std::exception_ptr error;
    std::mutex errorLock;
    const auto work = [&](int worker) {
        try {
            for (int item = next++; item < items; item = next++) task(item, worker);
        } catch (...) {
            next = items;
            const std::lock_guard<std::mutex> lock(errorLock);
            if (!error) error = std::current_exception();
        }
    };
    const int workers = std::min(threads_, items);
    if (workers <= 1) {
        work(0);
    } else {
        const auto body = [&](const cv::Range& range) {
            for (int worker = range.start; worker < range.end; ++worker) work(worker);
        };
        cv::parallel_for_(cv::Range(0, workers), body, workers);
    }
    if (error) std::rethrow_exception(error);
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
