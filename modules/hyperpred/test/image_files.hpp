// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_IMAGE_FILES_HPP
#define HYPERPRED_TEST_IMAGE_FILES_HPP

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <opencv2/imgcodecs.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

// Encoded images, good ones and broken ones, and a folder to put them in.

namespace cv {
namespace hyperpred {

using FileBytes = std::vector<uint8_t>;

struct ImageFolder : test::TemporaryFolder {
    // Writes the file, with the folders above it, and returns its path.
    std::string write(const std::string& name, const FileBytes& bytes) const {
        const std::filesystem::path file = path / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary);
        out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
        out.close();
        if (!out) throw std::runtime_error("cannot write " + file.string());
        return file.string();
    }
    std::string write(const std::string& name, const std::string& text) const {
        return write(name, FileBytes(text.begin(), text.end()));
    }
};

// A smooth picture that every codec keeps well: blue grows to the right, green downwards, red is constant.
inline cv::Mat smoothPicture(int rows, int cols, int depth = CV_8U) {
    cv::Mat image(rows, cols, CV_MAKETYPE(CV_8U, 3));
    for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < cols; ++x) {
            image.at<cv::Vec3b>(y, x) = cv::Vec3b(uint8_t(40 + 150 * x / cols), uint8_t(40 + 150 * y / rows), 90);
        }
    }
    cv::Mat scaled;
    image.convertTo(scaled, depth, depth == CV_16U ? 257 : 1);
    return scaled;
}

inline FileBytes encoded(const std::string& ending, const cv::Mat& image, const std::vector<int>& options = {}) {
    FileBytes bytes;
    if (!cv::imencode(ending, image, bytes, options)) throw std::runtime_error("cannot encode " + ending);
    return bytes;
}

inline void append(FileBytes& bytes, const FileBytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

inline FileBytes bigEndian(uint32_t value, int count = 4) {
    FileBytes bytes;
    for (int i = count; i-- > 0;) bytes.push_back(uint8_t(value >> (8 * i)));
    return bytes;
}

inline FileBytes text(const std::string& characters) {
    return FileBytes(characters.begin(), characters.end());
}

// Bit by bit, on purpose: the module's own table is what these files check.
inline uint32_t plainCrc32(const FileBytes& bytes) {
    uint32_t state = 0xFFFFFFFFu;
    for (const uint8_t byte : bytes) {
        state ^= byte;
        for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ (0xEDB88320u & (0u - (state & 1u)));
    }
    return ~state;
}

inline FileBytes pngChunk(const std::string& type, const FileBytes& data) {
    FileBytes typed = text(type), chunk = bigEndian(uint32_t(data.size()));
    append(typed, data);
    append(chunk, typed);
    append(chunk, bigEndian(plainCrc32(typed)));
    return chunk;
}

// A PNG of right checksums whose header claims whatever it is told.
inline FileBytes pngClaiming(uint32_t width, uint32_t height, const FileBytes& idat, uint8_t bits = 8,
                             uint8_t colour = 2) {
    FileBytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    FileBytes header = bigEndian(width);
    append(header, bigEndian(height));
    append(header, {bits, colour, 0, 0, 0});
    append(png, pngChunk("IHDR", header));
    append(png, pngChunk("IDAT", idat));
    append(png, pngChunk("IEND", {}));
    return png;
}

// APP1 segment with an EXIF orientation (1..8).
inline FileBytes exifSegment(uint8_t orientation) {
    FileBytes segment = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0};
    append(segment, {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1});
    append(segment, {0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0});
    return segment;
}

inline FileBytes withSegment(FileBytes jpeg, const FileBytes& segment) {
    jpeg.insert(jpeg.begin() + 2, segment.begin(), segment.end());
    return jpeg;
}

// A baseline JPEG of 8 x 8 pixels with four flat components of the given levels (128, or 130 to 255), optionally with
// Adobe's marker (transform 0: CMYK). One Huffman table each: DC sizes 0 and 5 to 10 in 3 bits, AC only the end of
// block in 1 bit.
inline FileBytes cmykJpeg(const std::vector<int>& levels, bool adobe) {
    FileBytes jpeg = {0xFF, 0xD8};
    if (adobe) append(jpeg, {0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0});
    append(jpeg, {0xFF, 0xDB, 0, 67, 0});
    append(jpeg, FileBytes(64, 1));
    append(jpeg, {0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4});
    for (uint8_t c = 1; c <= 4; ++c) append(jpeg, {c, 0x11, 0});
    // A code of all ones is not allowed: 7 sizes of 3 bits leave 111 free.
    append(jpeg, {0xFF, 0xC4, 0, 26, 0x00, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    append(jpeg, {0, 5, 6, 7, 8, 9, 10});
    append(jpeg, {0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    append(jpeg, {0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0});
    uint64_t bits = 0;
    int count = 0;
    const auto put = [&](uint32_t value, int width) {
        bits = bits << width | value;
        count += width;
    };
    for (const int level : levels) {
        const int dc = (level - 128) * 8;  // the DC coefficient of a flat block, quantiser 1
        int size = 0;
        while ((dc >> size) != 0) ++size;
        put(size == 0 ? 0u : uint32_t(size - 4), 3);
        if (size > 0) put(uint32_t(dc), size);
        put(0, 1);
    }
    while (count % 8 != 0) put(1, 1);
    for (int i = count / 8; i-- > 0;) {
        jpeg.push_back(uint8_t(bits >> (8 * i)));
        if (jpeg.back() == 0xFF) jpeg.push_back(0);
    }
    append(jpeg, {0xFF, 0xD9});
    return jpeg;
}

}  // namespace hyperpred
}  // namespace cv

#endif
