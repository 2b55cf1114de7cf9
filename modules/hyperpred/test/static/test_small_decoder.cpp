// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE small_decoder
#include <boost/test/unit_test.hpp>

#include <iterator>

#include "image_files.hpp"
#include "small_decoder.hpp"

using namespace cv::hyperpred;

namespace {

// OpenCV's decoder, as readImage() asks it, is the judge: the same pixels, bit by bit.
void compare(const FileBytes& bytes, const std::string& what) {
    const cv::Mat expected = cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH);
    const cv::Mat found = decodeJpegOrPng(bytes.data(), bytes.size());
    BOOST_TEST_REQUIRE(!expected.empty(), what);
    BOOST_TEST_REQUIRE(found.type() == expected.type(), what);
    BOOST_TEST_REQUIRE(found.size() == expected.size(), what);
    BOOST_TEST(cv::norm(found, expected, cv::NORM_INF) == 0, what);
}

cv::Mat noisy(int rows, int cols, int type) {
    cv::Mat image(rows, cols, type);
    cv::RNG random(7);
    random.fill(image, cv::RNG::UNIFORM, 0, CV_MAT_DEPTH(type) == CV_16U ? 65536 : 256);
    return image;
}

FileBytes fileBytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return FileBytes(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

BOOST_AUTO_TEST_CASE(jpeg_of_all_kinds) {
    for (const int quality : {30, 95}) {
        compare(encoded(".jpg", noisy(37, 53, CV_8UC3), {cv::IMWRITE_JPEG_QUALITY, quality}), "colour");
        compare(encoded(".jpg", noisy(37, 53, CV_8UC1), {cv::IMWRITE_JPEG_QUALITY, quality}), "grey");
    }
    compare(encoded(".jpg", noisy(37, 53, CV_8UC3), {cv::IMWRITE_JPEG_PROGRESSIVE, 1}), "progressive");
    compare(encoded(".jpg", noisy(1, 1, CV_8UC3)), "one pixel");
    compare(cmykJpeg({128, 160, 192, 224}, true), "CMYK");
    for (uint8_t orientation = 0; orientation <= 9; ++orientation) {
        const FileBytes jpeg = encoded(".jpg", smoothPicture(16, 24));
        compare(withSegment(jpeg, exifSegment(orientation)), "EXIF " + std::to_string(orientation));
    }
}

BOOST_AUTO_TEST_CASE(bundled_pictures) {
    int count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(HYPERPRED_DATA_DIR "/images/parts/unknown")) {
        if (!entry.is_regular_file()) continue;
        compare(fileBytes(entry.path()), entry.path().string());
        ++count;
    }
    BOOST_TEST(count >= 10);
}

BOOST_AUTO_TEST_CASE(png_of_all_kinds) {
    for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4}) {
        compare(encoded(".png", noisy(19, 23, type)), "PNG of type " + std::to_string(type));
    }
    compare(encoded(".png", noisy(19, 23, CV_8UC1), {cv::IMWRITE_PNG_BILEVEL, 1}), "one bit");
}

BOOST_AUTO_TEST_CASE(damage_gives_no_image_and_no_crash) {
    for (const std::string& ending : {std::string(".png"), std::string(".jpg")}) {
        FileBytes bytes = encoded(ending, noisy(9, 11, CV_8UC3));
        if (ending == ".jpg") bytes = withSegment(bytes, exifSegment(6));
        for (size_t size = 9; size < bytes.size(); ++size) {
            const FileBytes cut(bytes.begin(), bytes.begin() + std::ptrdiff_t(size));  // of exact size on the heap
            const cv::Mat image = decodeJpegOrPng(cut.data(), cut.size());
            if (ending == ".png") BOOST_TEST_REQUIRE(image.empty(), "cut at " << size);
        }
        for (size_t bit = 64; bit < 8 * bytes.size(); bit += 3) {
            bytes[bit / 8] ^= uint8_t(1u << (bit % 8));
            try {
                decodeJpegOrPng(bytes.data(), std::min<size_t>(bytes.size(), 4000));
            } catch (const cv::Exception&) {  // a size that OpenCV refuses
            }
            bytes[bit / 8] ^= uint8_t(1u << (bit % 8));
        }
    }
}

BOOST_AUTO_TEST_CASE(other_kinds_are_named) {
    const FileBytes bmp = encoded(".bmp", noisy(9, 11, CV_8UC3));
    BOOST_CHECK_EXCEPTION(decodeJpegOrPng(bmp.data(), bmp.size()), cv::Exception, [](const cv::Exception& error) {
        return error.err.find("JPEG and PNG alone") != std::string::npos;
    });
    BOOST_CHECK_THROW(decodeJpegOrPng(bmp.data(), 0), cv::Exception);
}
