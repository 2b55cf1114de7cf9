// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGES_HPP
#define HYPERPRED_IMAGES_HPP

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>

namespace cv {
namespace hyperpred {

const int64_t kMaxImagePixels = int64_t(64) << 20;
const int64_t kMaxImageBytes = int64_t(512) << 20;

// The one place for all conversions: any accepted Mat -> size x size x 3 BGR bytes at `out`. 8-bit, 16-bit (scaled by
// 1 / 257) and float (0..1 scaled by 255, clamped) with 1, 3 or 4 channels (alpha dropped); resized to a square by
// area when shrinking and cubic when enlarging, without keeping the aspect ratio, like blobFromImages with crop=false.
// `where` names the image in errors (Failure::BadArgument): empty, other depth or channels, NaN, too large.
void convertImage(const cv::Mat& image, int size, const std::string& where, uint8_t* out);

// Decodes a file (EXIF rotation applied) after looking at its length and its declared size, so that neither a false
// size nor a huge file is ever allocated. Throws Failure::BadFile with the path and the reason. With `enoughSide` > 0 a
// picture of 8 bits is made that may be smaller (1/2, 1/4 or 1/8), if both sides keep so many pixels: a large JPEG is
// then decoded several times as fast, which is what thumbnails want.
cv::Mat readImage(const std::string& path, int enoughSide = 0);

}  // namespace hyperpred
}  // namespace cv

#endif
