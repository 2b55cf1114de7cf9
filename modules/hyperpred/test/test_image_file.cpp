// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE image_file
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "image_files.hpp"
#include "images.hpp"

using namespace cv::hyperpred;
namespace fs = std::filesystem;

namespace {

// The error is BadFile, names the file and holds `part`.
void refused(const std::string& path, const std::string& part) {
    BOOST_CHECK_EXCEPTION(readImage(path), cv::Exception, [&](const cv::Exception& e) {
        const bool right = e.code == cv::Error::StsParseError && e.err.find("\"" + path + "\": ") == 0 &&
                           e.err.find(part) != std::string::npos;
        if (!right) BOOST_TEST_MESSAGE("expected \"" + part + "\", got: " + e.err);
        return right;
    });
}

double worst(const cv::Mat& a, const cv::Mat& b) {
    if (a.type() != b.type() || a.size() != b.size()) return std::numeric_limits<double>::infinity();
    return cv::norm(a, b, cv::NORM_INF);
}

}  // namespace

BOOST_AUTO_TEST_CASE(lossless_formats_come_back_exactly) {
    const ImageFolder folder;
    for (const cv::Size& size : {cv::Size(1, 1), cv::Size(1, 5000), cv::Size(37, 21)}) {
        const cv::Mat image = smoothPicture(size.height, size.width);
        for (const char* ending : {".png", ".bmp", ".tif", ".ppm"}) {
            BOOST_TEST(worst(readImage(folder.write(std::string("x") + ending, encoded(ending, image))), image) == 0);
        }
        const FileBytes webp = encoded(".webp", image, {cv::IMWRITE_WEBP_QUALITY, 101});
        BOOST_TEST(worst(readImage(folder.write("x.webp", webp)), image) == 0);
    }
}

BOOST_AUTO_TEST_CASE(lossy_formats_come_back_nearly) {
    const ImageFolder folder;
    const cv::Mat image = smoothPicture(75, 93);
    const FileBytes plain = encoded(".jpg", image, {cv::IMWRITE_JPEG_QUALITY, 95});
    const FileBytes progressive = encoded(".jpg", image, {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
    const FileBytes webp = encoded(".webp", image, {cv::IMWRITE_WEBP_QUALITY, 95});
    BOOST_TEST(worst(readImage(folder.write("x.jpg", plain)), image) < 8);
    BOOST_TEST(worst(readImage(folder.write("y.jpg", progressive)), image) < 8);
    BOOST_TEST(worst(readImage(folder.write("x.webp", webp)), image) < 12);
    BOOST_TEST(worst(readImage(folder.write("a jpeg named.png", plain)), image) < 8);  // contents count, not the name
}

BOOST_AUTO_TEST_CASE(grey_alpha_and_depths) {
    const ImageFolder folder;
    const cv::Mat colour = smoothPicture(21, 37), deep = smoothPicture(21, 37, CV_16U);
    cv::Mat grey, tripled, alpha;
    cv::extractChannel(colour, grey, 0);
    cv::merge(std::vector<cv::Mat>{grey, grey, grey}, tripled);
    cv::cvtColor(colour, alpha, cv::COLOR_BGR2BGRA);
    cv::Mat(alpha.rowRange(0, 9)).setTo(cv::Scalar(1, 2, 3, 0));
    cv::Mat withoutAlpha;
    cv::cvtColor(alpha, withoutAlpha, cv::COLOR_BGRA2BGR);
    BOOST_TEST(worst(readImage(folder.write("g.png", encoded(".png", grey))), tripled) == 0);
    BOOST_TEST(worst(readImage(folder.write("g.jpg", encoded(".jpg", grey))), tripled) < 8);
    BOOST_TEST(worst(readImage(folder.write("a.png", encoded(".png", alpha))), withoutAlpha) == 0);
    BOOST_TEST(worst(readImage(folder.write("d.png", encoded(".png", deep))), deep) == 0);
    BOOST_TEST(worst(readImage(folder.write("d.tif", encoded(".tif", deep))), deep) == 0);
    BOOST_TEST(worst(readImage(folder.write("d.ppm", encoded(".ppm", deep))), deep) == 0);
}

BOOST_AUTO_TEST_CASE(float_tiffs_are_read_when_they_convert) {
    const ImageFolder folder;
    const std::vector<int> plain = {cv::IMWRITE_TIFF_COMPRESSION, 1};  // the default for floats is lossy
    cv::Mat image;
    smoothPicture(9, 7).convertTo(image, CV_32F, 1.0 / 255);
    BOOST_TEST(worst(readImage(folder.write("f.tif", encoded(".tif", image, plain))), image) == 0);
    cv::Mat bright = image * 255;
    refused(folder.write("bright.tif", encoded(".tif", bright, plain)), "divide by 255");
    image.at<cv::Vec3f>(2, 3)[1] = std::numeric_limits<float>::quiet_NaN();
    refused(folder.write("nan.tif", encoded(".tif", image, plain)), "NaN");
}

BOOST_AUTO_TEST_CASE(exif_rotation_is_applied) {
    const ImageFolder folder;
    const cv::Mat image = smoothPicture(24, 40);
    const FileBytes jpeg = encoded(".jpg", image, {cv::IMWRITE_JPEG_QUALITY, 100});
    const cv::Mat upright = readImage(folder.write("1.jpg", jpeg));
    // What to do with the stored picture, by orientation (EXIF 2.32, 4.6.4): transposed, then flipped.
    const bool transposed[] = {false, false, false, false, true, true, true, true};
    const int flips[] = {2, 1, -1, 0, 2, 1, -1, 0};  // cv::flip's codes; 2: none
    for (uint8_t orientation = 1; orientation <= 8; ++orientation) {
        const std::string name = "exif" + std::to_string(orientation) + ".jpg";
        cv::Mat expected = upright.clone();
        if (transposed[orientation - 1]) cv::transpose(upright, expected);
        if (flips[orientation - 1] != 2) cv::flip(expected, expected, flips[orientation - 1]);
        BOOST_TEST_CONTEXT("orientation " << int(orientation)) {
            const std::string path = folder.write(name, withSegment(jpeg, exifSegment(orientation)));
            BOOST_TEST(worst(readImage(path), expected) == 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(adobe_cmyk_has_the_right_colours_and_plain_cmyk_is_refused) {
    const ImageFolder folder;
    // Inverted CMYK of 0..1: ink = 1 - level / 255; blue = (1 - yellow)(1 - black), and so on.
    const cv::Mat image = readImage(folder.write("x.jpg", cmykJpeg({128, 160, 192, 224}, true)));
    const cv::Vec3b pixel = image.at<cv::Vec3b>(4, 4);
    const int expected[] = {192 * 224 / 255, 160 * 224 / 255, 128 * 224 / 255};  // B from Y, G from M, R from C
    for (int k = 0; k < 3; ++k) BOOST_TEST(std::abs(int(pixel[k]) - expected[k]) <= 2);
    refused(folder.write("y.jpg", cmykJpeg({128, 160, 192, 224}, false)), "Adobe");
}

BOOST_AUTO_TEST_CASE(broken_files_are_refused) {
    const ImageFolder folder;
    const FileBytes jpeg = encoded(".jpg", smoothPicture(200, 200)), png = encoded(".png", smoothPicture(200, 200));
    const auto half = [](const FileBytes& all) { return FileBytes(all.begin(), all.begin() + long(all.size() / 2)); };
    refused(folder.write("half.jpg", half(jpeg)), "truncated");
    refused(folder.write("half.png", half(png)), "truncated");
    refused(folder.write("zero.jpg", ""), "empty");
    refused(folder.write("text.jpg", "I am no image.\n"), "no image of a known kind");
    refused(folder.write("bomb.png", pngClaiming(60000, 60000, FileBytes(60, 1))), "false size");
    refused(folder.write("x.gif", "GIF89a\1\0\1\0"), "GIF is not supported");
    // Right checksums around data that is no deflate stream.
    refused(folder.write("inside.png", pngClaiming(16, 16, FileBytes(60, 1))), "cannot be decoded");
}

BOOST_AUTO_TEST_CASE(more_than_64_mebi_pixels_are_refused_before_decoding) {
    const ImageFolder folder;
    refused(folder.write("x.png", encoded(".png", cv::Mat(8193, 8192, CV_8UC1, cv::Scalar(9)))),
            "8192 x 8193 pixels; at most 64 Mi");
    const FileBytes wide = pngClaiming((1u << 20) + 1, 1, FileBytes(4000, 1), 8, 0);
    refused(folder.write("wide.png", wide), "1048576 a side");
}

BOOST_AUTO_TEST_CASE(more_than_512_mib_are_refused_before_reading) {
    const ImageFolder folder;
    const std::string path = folder.write("x.png", encoded(".png", smoothPicture(5, 5)));
    fs::resize_file(path, (uintmax_t(512) << 20) + 1);  // sparse
    refused(path, "at most 512 MiB");
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file) {
    const ImageFolder folder;
    refused((folder.path / "missing.png").string(), "No such file");
    fs::create_directories(folder.path / "x.jpg");
    refused((folder.path / "x.jpg").string(), "folder");
    fs::create_symlink("nowhere", folder.path / "dangling.png");
    refused((folder.path / "dangling.png").string(), "No such file");
    fs::create_symlink("loop.png", folder.path / "loop.png");
    refused((folder.path / "loop.png").string(), "symbolic links");
    BOOST_REQUIRE(::mkfifo((folder.path / "pipe.png").c_str(), 0600) == 0);
    refused((folder.path / "pipe.png").string(), "no regular file");  // and does not wait for a writer
    refused("/dev/null", "no regular file");
    const std::string removed = folder.write("gone.png", encoded(".png", smoothPicture(5, 5)));
    readImage(removed);
    fs::remove(removed);
    refused(removed, "No such file");
}

BOOST_AUTO_TEST_CASE(links_and_names_of_any_bytes) {
    const ImageFolder folder;
    const cv::Mat image = smoothPicture(6, 5);
    for (const char* name : {"a b.png", "a\"b.png", "a\nb.png", "\xFF\xFE.png", "\xC3\xA4.png"}) {
        BOOST_TEST(worst(readImage(folder.write(name, encoded(".png", image))), image) == 0);
    }
    fs::create_symlink("a b.png", folder.path / "link.png");
    BOOST_TEST(worst(readImage((folder.path / "link.png").string()), image) == 0);
    BOOST_CHECK_EXCEPTION(readImage(folder.write("b\n\xFF.png", "x")), cv::Exception, [](const cv::Exception& e) {
        return e.err.find("b\\n\\xFF.png\": ") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(an_unreadable_file_is_refused) {
    if (::geteuid() == 0) {
        BOOST_TEST_MESSAGE("skipped: root may read every file");
        return;
    }
    const ImageFolder folder;
    const std::string path = folder.write("x.png", encoded(".png", smoothPicture(5, 5)));
    ::chmod(path.c_str(), 0);
    refused(path, "ermission denied");
}

BOOST_AUTO_TEST_CASE(flipped_bits_give_an_image_or_an_error) {
    const ImageFolder folder;
    for (const char* ending : {".png", ".jpg", ".bmp", ".webp", ".tif", ".ppm"}) {
        const FileBytes whole = encoded(ending, smoothPicture(11, 13));
        for (size_t bit = 0; bit < std::min(whole.size(), size_t(400)) * 8; bit += 3) {
            FileBytes flipped = whole;
            flipped[bit / 8] = uint8_t(flipped[bit / 8] ^ (1u << (bit % 8)));
            try {
                const cv::Mat image = readImage(folder.write("x", flipped));
                BOOST_REQUIRE(!image.empty());
                std::vector<uint8_t> out(8 * 8 * 3);
                convertImage(image, 8, "x", out.data());  // what was read always converts
            } catch (const cv::Exception& e) {
                BOOST_REQUIRE(e.code == cv::Error::StsParseError);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_smaller_picture_where_that_is_enough) {
    const ImageFolder folder;
    const cv::Mat image = smoothPicture(401, 650);
    const std::string jpeg = folder.write("x.jpg", encoded(".jpg", image));
    BOOST_TEST((readImage(jpeg, 401).size() == image.size()));
    BOOST_TEST((readImage(jpeg, 201).size() == image.size()));  // half of 401 would be too few
    BOOST_TEST((readImage(jpeg, 200).size() == cv::Size(325, 201)));
    BOOST_TEST((readImage(jpeg, 100).size() == cv::Size(163, 101)));
    BOOST_TEST((readImage(jpeg, 50).size() == cv::Size(82, 51)));
    BOOST_TEST((readImage(jpeg, 1).size() == cv::Size(82, 51)));  // no smaller than an eighth
    cv::Mat half;
    cv::resize(image, half, cv::Size(325, 201), 0, 0, cv::INTER_AREA);
    BOOST_TEST(worst(readImage(jpeg, 200), half) < 8);
    const std::string deep = folder.write("x.png", encoded(".png", smoothPicture(401, 650, CV_16U)));
    BOOST_TEST(readImage(deep, 7).type() == CV_8UC3);
    const std::string turned = folder.write("t.jpg", withSegment(encoded(".jpg", image), exifSegment(6)));
    BOOST_TEST((readImage(turned, 200).size() == cv::Size(201, 325)));  // EXIF rotation is applied here, too
}
