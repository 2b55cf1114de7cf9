// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SMALL_ENCODER_HPP
#define HYPERPRED_SMALL_ENCODER_HPP

#include <opencv2/core.hpp>
#include <vector>

namespace cv {
namespace hyperpred {

// A BGR image of 8 bits as JPEG by libjpeg, with the best tables. quality: 0..100. Empty where memory runs out.
std::vector<unsigned char> encodeJpeg(const cv::Mat& image, int quality);

}  // namespace hyperpred
}  // namespace cv

#endif
