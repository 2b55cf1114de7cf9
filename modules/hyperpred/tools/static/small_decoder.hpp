// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SMALL_DECODER_HPP
#define HYPERPRED_SMALL_DECODER_HPP

#include <cstddef>
#include <opencv2/core.hpp>

namespace cv {
namespace hyperpred {

// JPEG by libjpeg and PNG by libpng, as cv::imdecode(bytes, IMREAD_COLOR | IMREAD_ANYDEPTH) gives them: BGR, EXIF
// rotation applied, 16 bits kept, alpha dropped. Empty where the image is damaged; throws for another kind of file.
cv::Mat decodeJpegOrPng(const unsigned char* bytes, size_t size);

}  // namespace hyperpred
}  // namespace cv

#endif
