// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "images.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/core/check.hpp>
#include <opencv2/imgproc.hpp>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kHighestFloat = 1.5;  // overshoot of a filter stays below; more means that the values are not 0..1

void checkSize(const cv::Mat& image, const std::string& where) {
    if (int64_t(image.rows) * image.cols > kMaxImagePixels) {
        fail(Failure::BadArgument, where + ": " + std::to_string(image.cols) + " x " + std::to_string(image.rows) +
                                       " pixels; at most " + std::to_string(kMaxImagePixels >> 20) +
                                       " Mi pixels are accepted");
    }
}

// NaN, infinities and values that are clearly not of 0..1. Alpha is dropped, so it is not looked at.
template <typename T>
void checkFloats(const cv::Mat& image, const std::string& where) {
    const int channels = image.channels(), colours = std::min(channels, 3);
    T highest = 0;
    for (int y = 0; y < image.rows; ++y) {
        const T* pixel = image.ptr<T>(y);
        for (int x = 0; x < image.cols; ++x, pixel += channels) {
            for (int k = 0; k < colours; ++k) {
                if (!std::isfinite(pixel[k])) {
                    fail(Failure::BadArgument, where + ": the value at row " + std::to_string(y) + ", column " +
                                                   std::to_string(x) + ", channel " + std::to_string(k) + " is " +
                                                   (std::isnan(pixel[k]) ? "NaN" : "infinite"));
                }
                highest = std::max(highest, pixel[k]);
            }
        }
    }
    if (double(highest) > kHighestFloat) {
        fail(Failure::BadArgument, where + ": float values up to " + std::to_string(highest) +
                                       "; floats are expected in 0..1 (divide by 255, or convert to CV_8U)");
    }
}

void checkImage(const cv::Mat& image, const std::string& where) {
    if (image.empty()) {
        fail(Failure::BadArgument, where + ": the image is empty; at least 1 x 1 pixels are expected");
    }
    if (image.dims != 2) {
        fail(Failure::BadArgument, where + ": an array of " + std::to_string(image.dims) +
                                       " dimensions; rows x columns with 1, 3 or 4 channels are expected");
    }
    const int depth = image.depth(), channels = image.channels();
    const bool knownDepth = depth == CV_8U || depth == CV_16U || depth == CV_32F || depth == CV_64F;
    if (!knownDepth || (channels != 1 && channels != 3 && channels != 4)) {
        fail(Failure::BadArgument, where + ": " + std::to_string(channels) + " channel(s) of " +
                                       cv::depthToString(depth) + "; 1 (grey), 3 (BGR) or 4 (BGRA) channels of "
                                       "CV_8U, CV_16U, or CV_32F or CV_64F in 0..1 are expected");
    }
    checkSize(image, where);
    if (depth == CV_32F) checkFloats<float>(image, where);
    if (depth == CV_64F) checkFloats<double>(image, where);
}

uint8_t asByte(uint8_t value) {
    return value;
}

uint8_t asByte(uint16_t value) {
    return uint8_t((value + 128) / 257);  // value / 257 rounded; 257 is odd, so there are no ties
}

uint8_t asByte(double value) {
    return uint8_t(std::lrint(std::min(std::max(value, 0.0), 1.0) * 255));
}

template <typename T>
cv::Mat toBgrBytes(const cv::Mat& image) {
    cv::Mat bgr(image.rows, image.cols, CV_8UC3);
    const int channels = image.channels();
    for (int y = 0; y < image.rows; ++y) {
        const T* pixel = image.ptr<T>(y);
        uint8_t* out = bgr.ptr<uint8_t>(y);
        for (int x = 0; x < image.cols; ++x, pixel += channels, out += 3) {
            for (int k = 0; k < 3; ++k) out[k] = asByte(pixel[channels == 1 ? 0 : k]);
        }
    }
    return bgr;
}

// 8-bit first and then the resize, so that one picture at any depth gives the same bytes.
cv::Mat bgrBytes(const cv::Mat& image) {
    if (image.type() == CV_8UC3) return image;
    switch (image.depth()) {
        case CV_8U: return toBgrBytes<uint8_t>(image);
        case CV_16U: return toBgrBytes<uint16_t>(image);
        case CV_32F: return toBgrBytes<float>(image);
        default: return toBgrBytes<double>(image);
    }
}

}  // namespace

void convertImage(const cv::Mat& image, int size, const std::string& where, uint8_t* out) {
    if (size < 1) fail(Failure::BadArgument, where + ": cannot be resized to " + std::to_string(size) + " pixels");
    checkImage(image, where);
    cv::Mat square(size, size, CV_8UC3, out);
    cv::Mat bgr = bgrBytes(image);
    // Each axis by itself: first by area along the axes that shrink, then cubic along those that grow. Cubic would
    // sample 4 pixels of each 50 of a 1 x 5,000 image, and area would enlarge in blocks.
    const cv::Size shrunk(std::min(bgr.cols, size), std::min(bgr.rows, size));
    if (shrunk != bgr.size() && shrunk != square.size()) {
        cv::Mat smaller;
        cv::resize(bgr, smaller, shrunk, 0, 0, cv::INTER_AREA);
        bgr = smaller;
    }
    cv::resize(bgr, square, square.size(), 0, 0, shrunk == square.size() ? cv::INTER_AREA : cv::INTER_CUBIC);
    CV_Assert(square.data == out);
}

}  // namespace hyperpred
}  // namespace cv
