// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE image_header
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include "image_files.hpp"
#include "image_header.hpp"

using namespace cv::hyperpred;

namespace {

ImageHeader headerOf(const FileBytes& bytes) {
    const FileBytes exact(bytes);  // its own block: a sanitizer sees one byte too many
    return readImageHeader(exact.data(), exact.size(), "\"x\"");
}

void refused(const FileBytes& bytes, const std::string& part) {
    BOOST_CHECK_EXCEPTION(headerOf(bytes), cv::Exception, [&](const cv::Exception& e) {
        const bool right = e.code == cv::Error::StsParseError && e.err.find("\"x\": ") == 0 &&
                           e.err.find(part) != std::string::npos;
        if (!right) BOOST_TEST_MESSAGE("expected \"" + part + "\", got: " + e.err);
        return right;
    });
}

const std::vector<std::string> kEndings = {".png", ".jpg", ".bmp", ".webp", ".tif", ".ppm"};

}  // namespace

BOOST_AUTO_TEST_CASE(sizes_of_every_format) {
    for (const std::string& ending : kEndings) {
        for (const cv::Size& size : {cv::Size(1, 1), cv::Size(37, 21), cv::Size(1, 5000), cv::Size(5000, 1)}) {
            BOOST_TEST_CONTEXT(ending << " " << size) {
                const ImageHeader header = headerOf(encoded(ending, smoothPicture(size.height, size.width)));
                BOOST_TEST(header.width == size.width);
                BOOST_TEST(header.height == size.height);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(kinds_within_a_format) {
    const cv::Mat colour = smoothPicture(21, 37), deep = smoothPicture(21, 37, CV_16U);
    cv::Mat grey;
    cv::extractChannel(colour, grey, 0);
    cv::Mat alpha;
    cv::merge(std::vector<cv::Mat>{grey, grey, grey, grey}, alpha);
    const std::vector<FileBytes> files = {
        encoded(".png", grey), encoded(".png", deep), encoded(".png", alpha),
        encoded(".png", grey > 100, {cv::IMWRITE_PNG_BILEVEL, 1}),
        encoded(".jpg", grey), encoded(".jpg", colour, {cv::IMWRITE_JPEG_PROGRESSIVE, 1}),
        encoded(".jpg", colour, {cv::IMWRITE_JPEG_RST_INTERVAL, 2}),
        encoded(".bmp", grey), encoded(".bmp", alpha), encoded(".tif", grey), encoded(".tif", deep),
        encoded(".tif", colour, {cv::IMWRITE_TIFF_COMPRESSION, 1}),
        encoded(".webp", colour, {cv::IMWRITE_WEBP_QUALITY, 101}),  // VP8L
        encoded(".webp", colour, {cv::IMWRITE_WEBP_QUALITY, 80}),   // VP8
        encoded(".pgm", grey), encoded(".ppm", deep), encoded(".ppm", colour, {cv::IMWRITE_PXM_BINARY, 0}),
        encoded(".pbm", grey > 100), encoded(".pbm", grey > 100, {cv::IMWRITE_PXM_BINARY, 0})};
    for (size_t i = 0; i < files.size(); ++i) {
        BOOST_TEST_CONTEXT("file " << i) {
            const ImageHeader header = headerOf(files[i]);
            BOOST_TEST(header.width == 37);
            BOOST_TEST(header.height == 21);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
    for (const std::string& ending : kEndings) {
        const FileBytes whole = encoded(ending, smoothPicture(13, 17));
        for (size_t length = 0; length < whole.size(); ++length) {
            BOOST_TEST_CONTEXT(ending << " cut to " << length << " of " << whole.size()) {
                BOOST_CHECK_THROW(headerOf(FileBytes(whole.begin(), whole.begin() + std::ptrdiff_t(length))),
                                  cv::Exception);
            }
        }
    }
    const FileBytes jpeg = encoded(".jpg", smoothPicture(100, 100));
    refused(FileBytes(jpeg.begin(), jpeg.begin() + std::ptrdiff_t(jpeg.size() / 2)), "truncated");
}

BOOST_AUTO_TEST_CASE(the_end_marker_of_a_thumbnail_is_not_that_of_the_jpeg) {
    FileBytes thumbnail = encoded(".jpg", smoothPicture(8, 8)), segment = {0xFF, 0xE1};
    append(segment, bigEndian(uint32_t(thumbnail.size() + 2), 2));
    append(segment, thumbnail);
    const FileBytes jpeg = withSegment(encoded(".jpg", smoothPicture(64, 48)), segment);
    BOOST_TEST(headerOf(jpeg).width == 48);
    refused(FileBytes(jpeg.begin(), jpeg.end() - 2), "end marker");
    FileBytes trailed = jpeg;
    append(trailed, FileBytes(100, 0));  // phones append previews and padding
    BOOST_TEST(headerOf(trailed).width == 48);
}

BOOST_AUTO_TEST_CASE(false_sizes_of_a_png) {
    const FileBytes little(40, 0x55);
    refused(pngClaiming(8000, 8000, little), "false size: the PNG claims 8000 x 8000");
    refused(pngClaiming(150, 100, little), "false size");                // 45,000 bytes out of 40
    BOOST_TEST(headerOf(pngClaiming(137, 100, little)).width == 137);  // 41,100: within 1,032 to 1
    refused(pngClaiming(0xFFFFFFFFu, 0xFFFFFFFFu, little), "false size");
    refused(pngClaiming(0, 5, little), "0 x 5");
    refused(pngClaiming(5, 0, little), "5 x 0");
    refused(pngClaiming(5, 5, little, 3, 2), "colour type 2 with 3 bits");
    refused(pngClaiming(5, 5, little, 16, 3), "colour type 3");
    refused(pngClaiming(5, 5, little, 8, 7), "colour type 7");
    // The best that deflate can do is still accepted: one colour, many pixels.
    const cv::Mat black(4000, 4000, CV_8UC3, cv::Scalar::all(0));
    BOOST_TEST(headerOf(encoded(".png", black, {cv::IMWRITE_PNG_COMPRESSION, 9})).width == 4000);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_of_a_critical_png_chunk_is_found) {
    const FileBytes whole = pngClaiming(3, 3, FileBytes(20, 0x55));
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
        FileBytes flipped = whole;
        flipped[bit / 8] = uint8_t(flipped[bit / 8] ^ (1u << (bit % 8)));
        // A flip of the case bit makes a chunk ancillary, which libpng passes over.
        const size_t byte = bit / 8;
        const bool ancillary = bit % 8 == 5 && (byte == 37 || byte == 69);
        if (!ancillary) BOOST_CHECK_THROW(headerOf(flipped), cv::Exception);
    }
}

BOOST_AUTO_TEST_CASE(false_sizes_of_other_formats) {
    FileBytes jpeg = encoded(".jpg", smoothPicture(8, 8));
    for (size_t i = 0; i + 1 < jpeg.size(); ++i) {
        if (jpeg[i] == 0xFF && jpeg[i + 1] == 0xC0) {
            for (size_t k = 5; k < 9; ++k) jpeg[i + k] = 0xFF;
            break;
        }
    }
    refused(jpeg, "false size: the JPEG claims 65535 x 65535");
    FileBytes bmp = encoded(".bmp", smoothPicture(8, 8));
    for (size_t k = 18; k < 26; ++k) bmp[k] = k % 4 == 1 ? 0x7F : 0xFF;
    refused(bmp, "truncated: a BMP");
    refused(text("P6 2147483647 2147483647 255\nabc"), "truncated: a PNM");
    refused(text("P5 5 5 255\n") , "truncated");
    refused(text("P5 0 5 255\nabc"), "three positive numbers");
    refused(text("P5 99999999999999999999 5 255\nabc"), "three positive numbers");
    refused(text("P5 2 2 4095\nabcdefgh"), "up to 4095");
    BOOST_TEST(headerOf(text("P5 # a comment\n2 # another\n 2\n255\nabcd")).width == 2);
}

BOOST_AUTO_TEST_CASE(kinds_that_would_come_out_wrong_are_refused) {
    refused(cmykJpeg({128, 160, 192, 224}, false), "CMYK JPEG without Adobe's marker");
    BOOST_TEST(headerOf(cmykJpeg({128, 160, 192, 224}, true)).width == 8);
    FileBytes animated = encoded(".webp", smoothPicture(5, 5)), extended = text("RIFF");
    append(extended, {22, 0, 0, 0});
    append(extended, text("WEBPVP8X"));
    append(extended, {10, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 4, 0, 0});
    refused(extended, "animated WebP");
    refused(text("GIF89a\x05"), "GIF is not supported");
    FileBytes big = text("II");
    append(big, {43, 0, 8, 0, 0, 0, 16, 0, 0, 0});
    refused(big, "BigTIFF");
    refused(text("RIFF\x04\x01\x01"), "no image of a known kind");
}

BOOST_AUTO_TEST_CASE(what_is_no_image_is_refused) {
    refused({}, "empty");
    refused({0}, "no image of a known kind");
    refused(text("hello, I am a text file"), "no image of a known kind");
    refused(text("BM"), "truncated");
    refused({0xFF, 0xD8, 0xFF, 0xD9}, "without an image");
    refused({0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 0, 0}, "without length");
    FileBytes endless = {0xFF, 0xD8};
    append(endless, FileBytes(1000, 0xFF));
    refused(endless, "truncated");
}

BOOST_AUTO_TEST_CASE(tiff_directories_that_lie) {
    const FileBytes whole = encoded(".tif", smoothPicture(16, 16));
    for (size_t at = 4; at < 8; ++at) {
        FileBytes lying = whole;
        lying[at] = 0xFF;  // the directory is behind the end, or is pixels
        BOOST_CHECK_THROW(headerOf(lying), cv::Exception);
    }
    FileBytes loose = text("II");
    append(loose, {42, 0, 8, 0, 0, 0, 1, 0, 0, 1, 3, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0});
    refused(loose, "TIFF without an image");
}
