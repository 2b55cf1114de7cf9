// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "scene.hpp"

namespace cv {
namespace hyperpred {

namespace {

// Everything here is plain double arithmetic: OpenCV's own filters round differently from one processor to the next.

double brightness(const Vec& colour) {
    return 0.25 * colour[0] + 0.6 * colour[1] + 0.15 * colour[2];
}

cv::Mat binned(const cv::Mat& light) {
    cv::Mat small(kPictureSize, kPictureSize, CV_64FC3, cv::Scalar::all(0));
    for (int row = 0; row < light.rows; ++row) {
        for (int column = 0; column < light.cols; ++column) {
            small.at<Vec>(row / kSubsamples, column / kSubsamples) += light.at<Vec>(row, column);
        }
    }
    return small * (1.0 / (kSubsamples * kSubsamples));
}

// One pass of a Gaussian along rows, with the edges repeated; two passes with a transposition between blur both ways.
cv::Mat blurredRows(const cv::Mat& light, double deviation) {
    const int reach = int(std::ceil(3 * deviation));
    cv::Mat result(light.size(), CV_64FC3, cv::Scalar::all(0));
    for (int row = 0; row < light.rows; ++row) {
        for (int column = 0; column < light.cols; ++column) {
            double total = 0;
            for (int d = -reach; d <= reach; ++d) {
                const double weight = std::exp(-0.5 * d * d / (deviation * deviation));
                const int from = std::min(light.cols - 1, std::max(0, column + d));
                result.at<Vec>(row, column) += light.at<Vec>(row, from) * weight;
                total += weight;
            }
            result.at<Vec>(row, column) *= 1 / total;
        }
    }
    return result;
}

cv::Mat blurred(const cv::Mat& light, double deviation) {
    if (deviation < 0.15) return light;
    return blurredRows(blurredRows(light, deviation).t(), deviation).t();
}

// Gain that brings the picture's mean to the wanted one, but leaves a tenth of the pixels at most overexposed.
double exposure(const cv::Mat& light, double wanted) {
    std::vector<double> values;
    double sum = 0;
    for (int row = 0; row < light.rows; ++row) {
        for (int column = 0; column < light.cols; ++column) {
            values.push_back(brightness(light.at<Vec>(row, column)));
            sum += values.back();
        }
    }
    const auto bright = values.begin() + std::ptrdiff_t(values.size() * 9 / 10);
    std::nth_element(values.begin(), bright, values.end());
    return std::min(wanted * double(values.size()) / sum, 1.3 / *bright);
}

// A soft shoulder for the highlights, the display's gamma, and the contrast that cameras add by default.
double toDisplay(double light) {
    const double x = std::max(0.0, light), bent = x < 0.6 ? x : 0.6 + 0.4 * (1 - std::exp(-(x - 0.6) / 0.4));
    const double shown = std::pow(bent, 1 / 2.2);
    return 255 * (shown + 0.45 * shown * (1 - shown) * (2 * shown - 1));
}

uchar toByte(double value) {
    return uchar(std::floor(std::min(255.0, std::max(0.0, value)) + 0.5));
}

}  // namespace

Camera drawCamera(Random& random) {
    Camera camera;
    camera.defocus = random.uniform(0, 0.75);
    camera.wanted = random.uniform(0.11, 0.32);
    camera.darkening = random.uniform(0, 0.35);
    camera.grain = random.uniform(0.8, 4.5);
    camera.chroma = random.uniform(0.1, 0.5);
    for (int c = 0; c < 3; ++c) camera.balance[c] = random.uniform(0.93, 1.07);
    return camera;
}

cv::Mat takePicture(const cv::Mat& light, const Camera& camera, Random& random) {
    const cv::Mat sharp = binned(light), image = blurred(sharp, camera.defocus);
    const double gain = camera.gain > 0 ? camera.gain : exposure(image, camera.wanted), half = kPictureSize / 2.0;
    cv::Mat picture(kPictureSize, kPictureSize, CV_8UC3);
    for (int row = 0; row < kPictureSize; ++row) {
        for (int column = 0; column < kPictureSize; ++column) {
            const double away = length((column + 0.5) / half - 1, (row + 0.5) / half - 1);
            const double shade = gain * (1 - camera.darkening * away * away / 2);
            const Vec exposed = image.at<Vec>(row, column).mul(camera.balance) * shade;
            const double shared = random.normal();
            for (int c = 0; c < 3; ++c) {
                const double speckle = camera.grain * (shared + camera.chroma * random.normal());
                picture.at<cv::Vec3b>(row, column)[2 - c] = toByte(toDisplay(exposed[c]) + speckle);
            }
        }
    }
    return picture;
}

}  // namespace hyperpred
}  // namespace cv
