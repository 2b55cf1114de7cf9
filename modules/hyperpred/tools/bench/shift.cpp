// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "shift.hpp"

#include <opencv2/imgproc.hpp>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kBlurEdge = 5;          // pixels, box
const double kContrast = 0.25;    // of the distance from the image's mean
const double kEdgeGain = 2;       // times the length of the grey gradient
const double kNoise = 25;         // standard deviation, grey levels

cv::Mat greyOf(const cv::Mat& image) {
    cv::Mat grey;
    cv::transform(image, grey, cv::Matx13f(1 / 3.f, 1 / 3.f, 1 / 3.f));
    return grey;
}

cv::Mat threeOf(const cv::Mat& grey) {
    cv::Mat out;
    cv::merge(std::vector<cv::Mat>(3, grey), out);
    return out;
}

// Blue, green, red become green, red, blue.
cv::Mat permuted(const cv::Mat& image) {
    cv::Mat out(image.size(), image.type());
    const int pairs[] = {1, 0, 2, 1, 0, 2};
    cv::mixChannels(&image, 1, &out, 1, pairs, 3);
    return out;
}

cv::Mat lowContrast(const cv::Mat& image) {
    const cv::Scalar means = cv::mean(image);
    const double mean = (means[0] + means[1] + means[2]) / 3;
    cv::Mat out;
    image.convertTo(out, CV_8U, kContrast, mean * (1 - kContrast));
    return out;
}

cv::Mat edges(const cv::Mat& image) {
    cv::Mat grey;
    greyOf(image).convertTo(grey, CV_32F);
    const int width = grey.cols, height = grey.rows;
    cv::Mat dx = cv::Mat::zeros(grey.size(), CV_32F), dy = dx.clone(), length, bytes;
    dx.colRange(0, width - 1) = grey.colRange(1, width) - grey.colRange(0, width - 1);
    dy.rowRange(0, height - 1) = grey.rowRange(1, height) - grey.rowRange(0, height - 1);
    cv::magnitude(dx, dy, length);
    length.convertTo(bytes, CV_8U, kEdgeGain);
    return threeOf(bytes);
}

cv::Mat noisy(const cv::Mat& image, uint64_t seed) {
    cv::Mat noise(image.size(), CV_32FC3), wide, out;
    cv::RNG chance(seed * 2654435761u + 1);
    chance.fill(noise, cv::RNG::NORMAL, 0, kNoise);
    image.convertTo(wide, CV_32F);
    cv::Mat sum = wide + noise;
    sum.convertTo(out, CV_8U);
    return out;
}

}  // namespace

std::vector<std::string> shiftNames() {
    return {"plain", "grey", "inverted", "permuted", "blurred", "low_contrast", "rotated", "edges", "noise"};
}

cv::Mat shifted(const cv::Mat& image, const std::string& shift, uint64_t seed) {
    cv::Mat out;
    if (shift == "plain") {
        out = image.clone();
    } else if (shift == "grey") {
        out = threeOf(greyOf(image));
    } else if (shift == "inverted") {
        cv::bitwise_not(image, out);
    } else if (shift == "permuted") {
        out = permuted(image);
    } else if (shift == "blurred") {
        cv::blur(image, out, cv::Size(kBlurEdge, kBlurEdge), cv::Point(-1, -1), cv::BORDER_REPLICATE);
    } else if (shift == "low_contrast") {
        out = lowContrast(image);
    } else if (shift == "rotated") {
        cv::rotate(image, out, cv::ROTATE_90_COUNTERCLOCKWISE);
    } else if (shift == "edges") {
        out = edges(image);
    } else if (shift == "noise") {
        out = noisy(image, seed);
    } else {
        fail(Failure::BadArgument, "\"" + shift + "\" is no data-set transform");
    }
    return out;
}

LabelledImages shifted(const LabelledImages& images, const std::string& shift, uint64_t seed) {
    LabelledImages out = images;
    cv::parallel_for_(cv::Range(0, images.count()), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
            cv::Mat to = out.image(i);
            shifted(images.image(i), shift, seed + uint64_t(i)).copyTo(to);
        }
    });
    return out;
}

}  // namespace hyperpred
}  // namespace cv
