// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "accuracy_interval.hpp"

#include <algorithm>
#include <cmath>

namespace cv {
namespace hyperpred {

namespace {

const double kZ = 1.959963984540054;  // two-sided 95 % of the normal distribution

}  // namespace

AccuracyInterval wilsonInterval(int right, int images) {
    AccuracyInterval interval;
    if (images <= 0) return interval;
    const double n = double(images), share = double(right) / n;
    const double centre = share + kZ * kZ / (2 * n);
    const double half = kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
    const double scale = 1 + kZ * kZ / n;
    // All right (all wrong) ends at 1 (0) exactly; the roundings of the two terms must not say otherwise.
    interval.low = right <= 0 ? 0.0 : std::max(0.0, (centre - half) / scale);
    interval.high = right >= images ? 1.0 : std::min(1.0, (centre + half) / scale);
    return interval;
}

}  // namespace hyperpred
}  // namespace cv
