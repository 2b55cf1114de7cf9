// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// cv::imdecode of the static tool, for readImage() alone. OpenCV's own imgcodecs wants GDAL and some hundred libraries
// behind it, of which Debian has no static ones.
#include <opencv2/imgcodecs.hpp>

#include "small_decoder.hpp"

cv::Mat cv::imdecode(cv::InputArray buffer, int flags) {
    CV_Assert(flags == (cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH));
    const cv::Mat bytes = buffer.getMat();
    return cv::hyperpred::decodeJpegOrPng(bytes.ptr(), bytes.total() * bytes.elemSize());
}
