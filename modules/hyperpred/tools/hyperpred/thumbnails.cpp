// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "thumbnails.hpp"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "images.hpp"
#include "markup.hpp"

namespace cv {
namespace hyperpred {

namespace {

cv::Mat shrunk(const cv::Mat& image, int edge) {
    const int longer = std::max(image.cols, image.rows);
    if (longer <= edge) return image;
    const double scale = double(edge) / double(longer);
    const cv::Size size(std::max(1, int(image.cols * scale + 0.5)), std::max(1, int(image.rows * scale + 0.5)));
    cv::Mat result;
    cv::resize(image, result, size, 0, 0, cv::INTER_AREA);
    return result;
}

// The best JPEG within the bytes: first at less quality, then smaller.
std::vector<uchar> encoded(cv::Mat& image) {
    std::vector<uchar> bytes;
    while (true) {
        for (const int quality : {88, 76, 64, 52}) {
            cv::imencode(".jpg", image, bytes, {cv::IMWRITE_JPEG_QUALITY, quality, cv::IMWRITE_JPEG_OPTIMIZE, 1});
            if (bytes.size() <= Thumbnails::kMostBytes) return bytes;
        }
        image = shrunk(image, std::max(image.cols, image.rows) * 3 / 4);
    }
}

}  // namespace

std::string toBase64(const std::vector<unsigned char>& bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t at = 0; at < bytes.size(); at += 3) {
        const size_t count = std::min(bytes.size() - at, size_t(3));
        unsigned group = 0;
        for (size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0u);
        for (size_t i = 0; i < 4; ++i) text += i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

Thumbnails::Thumbnail Thumbnails::make(const std::string& file) {
    Thumbnail thumbnail;
    try {
        cv::Mat image = shrunk(readImage(file, kEdge), kEdge);
        thumbnail.base64 = toBase64(encoded(image));
        thumbnail.width = image.cols;
        thumbnail.height = image.rows;
    } catch (const cv::Exception&) {
        // It was read before: removed or changed since. The page says so in its place.
    }
    return thumbnail;
}

Thumbnails::Thumbnails(const std::vector<std::string>& files) {
    for (const std::string& file : files) thumbnails_[file];
    std::vector<std::pair<const std::string, Thumbnail>*> slots;
    for (auto& slot : thumbnails_) slots.push_back(&slot);
    cv::parallel_for_(cv::Range(0, int(slots.size())), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) slots[size_t(i)]->second = make(slots[size_t(i)]->first);
    });
}

std::string Thumbnails::image(const std::string& file, const std::string& alternative) const {
    const auto found = thumbnails_.find(file);
    if (found == thumbnails_.end() || found->second.base64.empty()) {
        return "<span class=\"gone\">" + escaped(alternative) + ": cannot be read any more</span>";
    }
    const Thumbnail& thumbnail = found->second;
    return "<img src=\"data:image/jpeg;base64," + thumbnail.base64 + "\" width=\"" + std::to_string(thumbnail.width) +
           "\" height=\"" + std::to_string(thumbnail.height) + "\" alt=\"" + escaped(alternative) + "\">";
}

}  // namespace hyperpred
}  // namespace cv
