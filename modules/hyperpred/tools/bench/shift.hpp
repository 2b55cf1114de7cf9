// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_SHIFT_HPP
#define HYPERPRED_BENCH_SHIFT_HPP

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "labelled_images.hpp"

namespace cv {
namespace hyperpred {

// Transforms of a whole data set, the kinds that meta-training draws from (doc/training.md): "plain", "grey",
// "inverted", "permuted", "blurred", "low_contrast", "rotated", "edges", "noise".
std::vector<std::string> shiftNames();

// One BGR image of bytes. `seed` is the noise's. Throws Failure::BadArgument for another name.
cv::Mat shifted(const cv::Mat& image, const std::string& shift, uint64_t seed);

// Every image; the noise of image i has seed `seed` + i.
LabelledImages shifted(const LabelledImages& images, const std::string& shift, uint64_t seed);

}  // namespace hyperpred
}  // namespace cv

#endif
