// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_MOMENTS_HPP
#define HYPERPRED_CPU_MOMENTS_HPP

#include <cstddef>
#include <vector>

namespace cv {
namespace hyperpred {
namespace cpu {

// Mean and sum of squared deviations of each channel; two of them join without cancellation (Chan, Golub and LeVeque,
// 1979).
struct Moments {
    double count = 0;
    std::vector<double> mean, squares;

    void add(const Moments& other);
    // `values`: pixels x channels. In blocks of a few pixels: float sums within, doubles across.
    void add(const float* values, size_t pixels, int channels);
};

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
