// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/moments.hpp"

#include <algorithm>

#include "cpu/kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

const size_t kBlockPixels = 64;

// Joins `count` values of mean `mean` and squared deviations `squares` (M: float or double) to the moments so far.
template <class M>
void join(Moments& to, double count, const M* mean, const M* squares, size_t channels) {
    if (to.mean.empty()) {
        to.mean.assign(channels, 0.0);
        to.squares.assign(channels, 0.0);
    }
    if (count == 0) return;
    const double total = to.count + count, share = count / total, weight = to.count * share;
    for (size_t c = 0; c < channels; ++c) {
        const double apart = double(mean[c]) - to.mean[c];
        to.mean[c] += apart * share;
        to.squares[c] += double(squares[c]) + apart * apart * weight;
    }
    to.count = total;
}

}  // namespace

void Moments::add(const Moments& other) {
    join(*this, other.count, other.mean.data(), other.squares.data(), other.mean.size());
}

void Moments::add(const float* values, size_t pixels, int channels) {
    std::vector<float> blockMean(static_cast<size_t>(channels)), blockSquares(static_cast<size_t>(channels));
    for (size_t first = 0; first < pixels; first += kBlockPixels) {
        const size_t block = std::min(kBlockPixels, pixels - first);
        kernels().measure(values + first * size_t(channels), block, channels, blockMean.data(), blockSquares.data());
        join(*this, double(block), blockMean.data(), blockSquares.data(), size_t(channels));
    }
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
