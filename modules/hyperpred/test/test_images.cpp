// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE images
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "images.hpp"

using namespace cv::hyperpred;

namespace {

using Pixels = std::vector<uint8_t>;

Pixels converted(const cv::Mat& image, int size) {
    Pixels out(size_t(size) * size_t(size) * 3 + 1, 0xA5);
    convertImage(image, size, "image 7", out.data());
    BOOST_TEST(int(out.back()) == 0xA5);  // nothing behind the image is written
    out.pop_back();
    return out;
}

// Noise with structure, the same in every run.
cv::Mat drawn(int rows, int cols, int type, uint64_t seed = 1) {
    cv::Mat image(rows, cols, type);
    cv::RNG random(seed);
    random.fill(image, cv::RNG::UNIFORM, 0, image.depth() == CV_16U ? 65536 : 256);
    return image;
}

// The sentence names the image and holds `part`.
void refused(const cv::Mat& image, const std::string& part) {
    Pixels out(3 * 64, 0xA5);
    BOOST_CHECK_EXCEPTION(convertImage(image, 8, "image 7", out.data()), cv::Exception, [&](const cv::Exception& e) {
        const bool right = e.code == cv::Error::StsBadArg && e.err.find("image 7") == 0 &&
                           e.err.find(part) != std::string::npos;
        if (!right) BOOST_TEST_MESSAGE("expected \"" + part + "\", got: " + e.err);
        return right;
    });
    BOOST_TEST(std::count(out.begin(), out.end(), uint8_t(0xA5)) == 3 * 64);
}

Pixels bytesOf(const cv::Mat& image) {
    const cv::Mat whole = image.clone();
    return Pixels(whole.data, whole.data + whole.total() * whole.elemSize());
}

int worst(const Pixels& a, const Pixels& b) {
    int distance = a.size() == b.size() ? 0 : 1000;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) distance = std::max(distance, std::abs(a[i] - b[i]));
    return distance;
}

}  // namespace

BOOST_AUTO_TEST_CASE(bgr_of_the_right_size_is_copied) {
    const cv::Mat image = drawn(33, 33, CV_8UC3);
    BOOST_TEST((converted(image, 33) == bytesOf(image)));
}

BOOST_AUTO_TEST_CASE(grey_is_replicated_and_alpha_dropped) {
    const cv::Mat grey = drawn(17, 17, CV_8UC1), bgra = drawn(17, 17, CV_8UC4);
    cv::Mat fromGrey, fromBgra;
    cv::cvtColor(grey, fromGrey, cv::COLOR_GRAY2BGR);
    cv::cvtColor(bgra, fromBgra, cv::COLOR_BGRA2BGR);
    BOOST_TEST((converted(grey, 17) == bytesOf(fromGrey)));
    BOOST_TEST((converted(bgra, 17) == bytesOf(fromBgra)));
}

BOOST_AUTO_TEST_CASE(sixteen_bits_are_divided_by_257_and_rounded) {
    cv::Mat image(256, 256, CV_16UC1);
    for (int i = 0; i < 65536; ++i) image.at<uint16_t>(i / 256, i % 256) = uint16_t(i);
    const Pixels out = converted(image, 256);
    for (size_t i = 0; i < 65536; ++i) BOOST_REQUIRE(out[3 * i] == std::lround(double(i) / 257.0));
}

BOOST_AUTO_TEST_CASE(one_picture_at_any_depth_gives_the_same_bytes) {
    const cv::Mat image = drawn(71, 45, CV_8UC3);
    const Pixels expected = converted(image, 32);
    cv::Mat deep, single, twofold;
    image.convertTo(deep, CV_16U, 257);
    image.convertTo(single, CV_32F, 1.0 / 255);
    image.convertTo(twofold, CV_64F, 1.0 / 255);
    BOOST_TEST((converted(deep, 32) == expected));
    BOOST_TEST((converted(single, 32) == expected));
    BOOST_TEST((converted(twofold, 32) == expected));
}

BOOST_AUTO_TEST_CASE(floats_are_clamped_but_not_those_of_0_to_255) {
    const cv::Mat image = (cv::Mat_<float>(1, 5) << -0.25f, 0.f, 0.5f, 1.f, 1.4f);
    for (int i = 0; i < 5; ++i) {
        const int expected[] = {0, 0, 128, 255, 255};
        BOOST_TEST(int(converted(image.col(i), 1)[0]) == expected[i]);
    }
    refused(cv::Mat(4, 4, CV_32FC3, cv::Scalar::all(200)), "divide by 255");
    refused(cv::Mat(4, 4, CV_64FC1, cv::Scalar::all(1.6)), "0..1");
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_are_refused_with_their_place) {
    for (const int type : {CV_32FC3, CV_64FC3}) {
        cv::Mat image(5, 7, type, cv::Scalar::all(0.5));
        cv::Mat flat = image.reshape(1);
        const auto set = [&](double value) {
            if (type == CV_32FC3) {
                flat.at<float>(3, 4 * 3 + 2) = float(value);
            } else {
                flat.at<double>(3, 4 * 3 + 2) = value;
            }
        };
        set(std::numeric_limits<double>::quiet_NaN());
        refused(image, "row 3, column 4, channel 2 is NaN");
        set(std::numeric_limits<double>::infinity());
        refused(image, "infinite");
        set(-std::numeric_limits<double>::infinity());
        refused(image, "infinite");
    }
    cv::Mat alpha(3, 3, CV_32FC4, cv::Scalar(0.2, 0.4, 0.6, std::nan("")));  // alpha is dropped, whatever it holds
    BOOST_TEST((converted(alpha, 3) == bytesOf(cv::Mat(3, 3, CV_8UC3, cv::Scalar(51, 102, 153)))));
}

BOOST_AUTO_TEST_CASE(other_kinds_are_refused_with_what_would_be_right) {
    refused(cv::Mat(), "empty");
    refused(cv::Mat(0, 5, CV_8UC3), "empty");
    refused(cv::Mat(4, 4, CV_8UC2), "2 channel(s) of CV_8U; 1 (grey), 3 (BGR) or 4 (BGRA)");
    refused(cv::Mat(4, 4, CV_8UC(5)), "5 channel(s)");
    refused(cv::Mat(4, 4, CV_8SC3), "CV_8S");
    refused(cv::Mat(4, 4, CV_16SC3), "CV_16S");
    refused(cv::Mat(4, 4, CV_32SC1), "CV_32S");
    refused(cv::Mat(4, 4, CV_16FC3), "CV_16F");
    const int sizes[] = {3, 4, 5};
    refused(cv::Mat(3, sizes, CV_8UC3), "3 dimensions");
    refused(cv::Mat(8193, 8192, CV_8UC1), "8192 x 8193 pixels; at most 64 Mi");
    uint8_t out[3];
    BOOST_CHECK_THROW(convertImage(cv::Mat(1, 1, CV_8UC3), 0, "image 7", out), cv::Exception);
}

BOOST_AUTO_TEST_CASE(sixty_four_mebi_pixels_are_accepted) {
    BOOST_TEST((converted(cv::Mat(8192, 8192, CV_8UC1, cv::Scalar(77)), 16) == Pixels(16 * 16 * 3, 77)));
}

BOOST_AUTO_TEST_CASE(a_view_is_its_own_picture) {
    const cv::Mat parent = drawn(90, 110, CV_8UC3);
    for (const int type : {CV_8UC3, CV_8UC1, CV_16UC4}) {
        cv::Mat whole;
        if (type == CV_8UC3) whole = parent;
        if (type == CV_8UC1) cv::cvtColor(parent, whole, cv::COLOR_BGR2GRAY);
        if (type == CV_16UC4) whole = drawn(90, 110, type);
        for (const cv::Rect& place : {cv::Rect(11, 7, 51, 63), cv::Rect(3, 3, 9, 5), cv::Rect(1, 1, 32, 32)}) {
            const cv::Mat view = whole(place);
            BOOST_TEST(!view.isContinuous());
            BOOST_TEST((converted(view, 32) == converted(view.clone(), 32)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_umat_reads_like_its_mat) {
    const cv::Mat image = drawn(40, 30, CV_8UC3);
    cv::UMat onDevice;
    image.copyTo(onDevice);
    BOOST_TEST((converted(onDevice.getMat(cv::ACCESS_READ), 24) == converted(image, 24)));
}

BOOST_AUTO_TEST_CASE(flat_images_stay_flat_at_every_size) {
    for (const cv::Size& size : {cv::Size(1, 1), cv::Size(1, 5000), cv::Size(5000, 1), cv::Size(7, 13),
                                 cv::Size(32, 900), cv::Size(31, 33), cv::Size(640, 480)}) {
        const cv::Mat image(size, CV_8UC3, cv::Scalar(10, 128, 250));
        const Pixels expected = bytesOf(cv::Mat(32, 32, CV_8UC3, cv::Scalar(10, 128, 250)));
        BOOST_TEST((converted(image, 32) == expected));
    }
    BOOST_TEST((converted(cv::Mat(9, 9, CV_8UC3, cv::Scalar::all(0)), 32) == Pixels(32 * 32 * 3, 0)));  // all black
}

BOOST_AUTO_TEST_CASE(shrinking_takes_the_mean_of_the_area) {
    const cv::Mat image = drawn(60, 96, CV_8UC3);
    const Pixels out = converted(image, 12);
    Pixels expected;
    for (int y = 0; y < 12; ++y) {
        for (int x = 0; x < 12; ++x) {
            const cv::Scalar mean = cv::mean(image(cv::Rect(8 * x, 5 * y, 8, 5)));
            for (int k = 0; k < 3; ++k) expected.push_back(uint8_t(std::lround(mean[k])));
        }
    }
    BOOST_TEST(worst(out, expected) <= 1);  // OpenCV rounds ties to even and sums in float
}

BOOST_AUTO_TEST_CASE(each_axis_of_a_mixed_resize_is_taken_by_itself) {
    // 1 x 5,000 with single bright rows: sampling would miss them or show them in full, the area mean does neither.
    cv::Mat stripes(5000, 1, CV_8UC1, cv::Scalar(0));
    for (int y = 0; y < 5000; y += 10) stripes.at<uint8_t>(y, 0) = 200;
    const Pixels tall = converted(stripes, 50);
    BOOST_TEST(int(*std::min_element(tall.begin(), tall.end())) == 20);
    BOOST_TEST(int(*std::max_element(tall.begin(), tall.end())) == 20);
    const Pixels wide = converted(stripes.t(), 50);
    BOOST_TEST((wide == tall));
    // A step across the growing axis becomes a smooth ramp, not two blocks.
    cv::Mat step(400, 2, CV_8UC1, cv::Scalar(50));
    step.col(1).setTo(150);
    const Pixels ramp = converted(step, 20);
    for (size_t x = 0; x < 19; ++x) BOOST_TEST(std::abs(ramp[3 * (x + 1)] - ramp[3 * x]) < 25);
}

BOOST_AUTO_TEST_CASE(enlarging_is_cubic) {
    const cv::Mat image = drawn(9, 11, CV_8UC3);
    cv::Mat expected;
    cv::resize(image, expected, cv::Size(40, 40), 0, 0, cv::INTER_CUBIC);
    BOOST_TEST((converted(image, 40) == bytesOf(expected)));
}

BOOST_AUTO_TEST_CASE(threads_do_not_matter) {
    const int before = cv::getNumThreads();
    for (const cv::Size& size : {cv::Size(1999, 1501), cv::Size(23, 1500), cv::Size(61, 47)}) {
        const cv::Mat image = drawn(size.height, size.width, CV_8UC3);
        const Pixels together = converted(image, 224);  // all threads, before any limit is set
        for (const int threads : {8, 3, 2, 1}) {
            cv::setNumThreads(threads);
            BOOST_TEST((converted(image, 224) == together));
        }
        cv::setNumThreads(before);
    }
}
