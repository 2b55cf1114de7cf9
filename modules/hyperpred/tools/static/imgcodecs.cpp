// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// cv::imdecode and cv::imencode of the static tool, for readImage() and the report's pictures alone. OpenCV's own
// imgcodecs wants GDAL and some hundred libraries behind it, of which Debian has no static ones.
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "small_decoder.hpp"
#include "small_encoder.hpp"

cv::Mat cv::imdecode(cv::InputArray buffer, int flags) {
    const int times = flags == cv::IMREAD_REDUCED_COLOR_8   ? 8
                      : flags == cv::IMREAD_REDUCED_COLOR_4 ? 4
                      : flags == cv::IMREAD_REDUCED_COLOR_2 ? 2
                                                            : 1;
    const bool anyDepth = flags == (cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH);
    CV_Assert(anyDepth || times > 1 || flags == cv::IMREAD_COLOR);
    const cv::Mat bytes = buffer.getMat();
    cv::Mat image = cv::hyperpred::decodeJpegOrPng(bytes.ptr(), bytes.total() * bytes.elemSize());
    if (image.empty() || anyDepth) return image;
    if (image.depth() == CV_16U) image.convertTo(image, CV_8U, 1. / 257);
    if (times > 1) {
        const cv::Size reduced((image.cols + times - 1) / times, (image.rows + times - 1) / times);
        cv::resize(image, image, reduced, 0, 0, cv::INTER_AREA);
    }
    return image;
}

bool cv::imencode(const cv::String& ext, cv::InputArray image, std::vector<uchar>& bytes,
                  const std::vector<int>& parameters) {
    CV_Assert(ext == ".jpg");
    int quality = 95;
    for (size_t i = 0; i + 1 < parameters.size(); i += 2) {
        if (parameters[i] == cv::IMWRITE_JPEG_QUALITY) quality = parameters[i + 1];
    }
    bytes = cv::hyperpred::encodeJpeg(image.getMat(), quality);
    return !bytes.empty();
}
