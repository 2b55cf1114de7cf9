// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_WORKERS_HPP
#define HYPERPRED_CPU_WORKERS_HPP

#include <functional>

namespace cv {
namespace hyperpred {
namespace cpu {

// Shares items out to OpenCV's threads. Which worker gets which item is chance, so an item writes only what belongs
// to it and what it computes depends on the item alone: results are then the same for every number of threads.
class Workers {
public:
    explicit Workers(int threads) : threads_(threads) {}

    int count() const { return threads_; }
    // task(item, worker) for items 0 .. items - 1; no two calls at once have the same worker (0 .. count() - 1). The
    // first exception ends the loop and is thrown again here.
    void forEach(int items, const std::function<void(int, int)>& task) const;

private:
    int threads_;
};

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
