// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <sys/stat.h>

#include "error.hpp"
#include "images.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Bytes = std::vector<uint8_t>;

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    fail(Failure::BadFile, "\"" + path + "\": " + reason);
}

Bytes readBytes(const std::string& path) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) refuse(path, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) refuse(path, "is no regular file");
    if (status.st_size == 0) refuse(path, "is empty");
    if (int64_t(status.st_size) > kMaxImageBytes) {
        refuse(path, "has " + std::to_string(status.st_size) + " bytes, at most " + std::to_string(kMaxImageBytes) +
                         " are allowed");
    }
    std::ifstream in(path, std::ios::binary);
    Bytes bytes(static_cast<size_t>(status.st_size));
    if (!in || !in.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(bytes.size()))) {
        refuse(path, errno != 0 ? std::strerror(errno) : "cannot be read to its end");
    }
    return bytes;
}

uint64_t bigEndian(const Bytes& bytes, size_t at, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count && at + i < bytes.size(); ++i) value = value << 8 | bytes[at + i];
    return value;
}

uint64_t littleEndian(const Bytes& bytes, size_t at, size_t count) {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | (at + i < bytes.size() ? bytes[at + i] : 0u);
    return value;
}

bool beginsWith(const Bytes& bytes, const char* text, size_t at = 0) {
    const size_t length = std::strlen(text);
    return bytes.size() >= at + length && std::memcmp(bytes.data() + at, text, length) == 0;
}

bool isPng(const Bytes& bytes) {
    return beginsWith(bytes, "\x89PNG\r\n\x1a\n");
}

bool isJpeg(const Bytes& bytes) {
    return bytes.size() > 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

struct Extent {
    uint64_t width = 0, height = 0;
};

// Size in the first start-of-frame segment of a JPEG.
Extent jpegExtent(const Bytes& bytes) {
    for (size_t at = 2; at + 9 < bytes.size() && bytes[at] == 0xff;) {
        const uint8_t marker = bytes[at + 1];
        const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (frame) return {bigEndian(bytes, at + 7, 2), bigEndian(bytes, at + 5, 2)};
        at += marker == 0xff ? 1 : 2 + size_t(bigEndian(bytes, at + 2, 2));
    }
    return {};
}

// What the header declares, before anything of that size is allocated; zero where the format is another one, which
// OpenCV's own limit on pixels then bounds.
Extent declaredExtent(const Bytes& bytes) {
    if (isPng(bytes)) return {bigEndian(bytes, 16, 4), bigEndian(bytes, 20, 4)};
    if (isJpeg(bytes)) return jpegExtent(bytes);
    if (beginsWith(bytes, "BM")) {
        const auto height = static_cast<int32_t>(littleEndian(bytes, 22, 4));
        return {littleEndian(bytes, 18, 4), uint64_t(std::abs(int64_t(height)))};
    }
    if (beginsWith(bytes, "GIF8")) return {littleEndian(bytes, 6, 2), littleEndian(bytes, 8, 2)};
    if (beginsWith(bytes, "RIFF") && beginsWith(bytes, "WEBPVP8X", 8)) {
        return {littleEndian(bytes, 24, 3) + 1, littleEndian(bytes, 27, 3) + 1};
    }
    return {};
}

// libjpeg and libpng fill what is missing with grey and only warn.
void refuseTruncated(const std::string& path, const Bytes& bytes) {
    const size_t tail = bytes.size() > 4096 ? bytes.size() - 4096 : 0;
    if (isJpeg(bytes)) {
        const uint8_t end[2] = {0xff, 0xd9};
        if (std::search(bytes.begin() + std::ptrdiff_t(tail), bytes.end(), end, end + 2) == bytes.end()) {
            refuse(path, "truncated JPEG (no end marker)");
        }
    }
    if (isPng(bytes)) {
        const char end[] = "IEND";
        if (std::search(bytes.begin() + std::ptrdiff_t(tail), bytes.end(), end, end + 4) == bytes.end()) {
            refuse(path, "truncated PNG (no IEND chunk)");
        }
    }
}

void refuseAnimated(const std::string& path, const Bytes& bytes) {
    if (beginsWith(bytes, "GIF8")) refuse(path, "GIF is not read; PNG, JPEG, BMP, TIFF and WebP are");
    const bool extended = beginsWith(bytes, "RIFF") && beginsWith(bytes, "WEBPVP8X", 8);
    if (extended && bytes.size() > 20 && (bytes[20] & 2u) != 0) refuse(path, "animated WebP is not read");
}

}  // namespace

cv::Mat readImage(const std::string& path) {
    const Bytes bytes = readBytes(path);
    const Extent extent = declaredExtent(bytes);
    if (extent.width > uint64_t(kMaxImagePixels) || extent.height > uint64_t(kMaxImagePixels) ||
        extent.width * extent.height > uint64_t(kMaxImagePixels)) {
        refuse(path, "declares " + std::to_string(extent.width) + " x " + std::to_string(extent.height) +
                         " pixels, at most " + std::to_string(kMaxImagePixels) + " are allowed");
    }
    refuseAnimated(path, bytes);
    refuseTruncated(path, bytes);
    cv::Mat image;
    try {
        image = cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH);
    } catch (const cv::Exception& error) {
        refuse(path, "cannot be decoded: " + error.err);
    }
    if (image.empty()) refuse(path, "is no image that OpenCV can decode");
    return image;
}

}  // namespace hyperpred
}  // namespace cv
