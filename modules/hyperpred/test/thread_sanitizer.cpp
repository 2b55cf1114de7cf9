// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// The distribution's OpenCV and TBB are not instrumented, so the thread sanitizer does not see that cv::parallel_for_
// waits for its workers and reports every second use of a stack. In its build the loops run on threads that it sees.
#include <algorithm>
#include <memory>
#include <opencv2/core/parallel/parallel_backend.hpp>
#include <thread>
#include <vector>

namespace cv {
namespace hyperpred {

namespace {

thread_local int currentThread = 0;

class SeenThreads : public cv::parallel::ParallelForAPI {
public:
    void parallel_for(int tasks, FN_parallel_for_body_cb_t body, void* data) override {
        const int count = std::min(tasks, threads_);
        std::vector<std::thread> workers;
        for (int t = 1; t < count; ++t) {
            workers.emplace_back([=] {
                currentThread = t;
                body(tasks * t / count, tasks * (t + 1) / count, data);
            });
        }
        body(0, tasks / std::max(count, 1), data);
        for (std::thread& worker : workers) worker.join();
    }
    int getThreadNum() const override { return currentThread; }
    int getNumThreads() const override { return threads_; }
    int setNumThreads(int threads) override {
        const int before = threads_;
        threads_ = threads > 0 ? threads : kThreads;
        return before;
    }
    const char* getName() const override { return "threads that the sanitizer sees"; }

private:
    static constexpr int kThreads = 4;
    int threads_ = kThreads;
};

const bool kRegistered = (cv::parallel::setParallelForBackend(std::make_shared<SeenThreads>(), false), true);

}  // namespace

}  // namespace hyperpred
}  // namespace cv
