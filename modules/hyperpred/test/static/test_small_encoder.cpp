// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE small_encoder
#include <boost/test/unit_test.hpp>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "small_encoder.hpp"

using namespace cv::hyperpred;

namespace {

// OpenCV may link another build of libjpeg, whose rounding differs by a step.
const double kRounding = 2;

cv::Mat picture(int rows, int cols) {
    cv::Mat image(rows, cols, CV_8UC3);
    cv::RNG random(3);
    random.fill(image, cv::RNG::UNIFORM, 0, 256);
    cv::GaussianBlur(image, image, cv::Size(5, 5), 2);
    return image;
}

}  // namespace

BOOST_AUTO_TEST_CASE(looks_like_what_opencv_writes) {
    for (const int quality : {40, 80}) {
        for (const cv::Size size : {cv::Size(112, 75), cv::Size(1, 1), cv::Size(7, 33)}) {
            const cv::Mat image = picture(size.height, size.width);
            std::vector<uchar> expected;
            cv::imencode(".jpg", image, expected, {cv::IMWRITE_JPEG_QUALITY, quality, cv::IMWRITE_JPEG_OPTIMIZE, 1});
            const std::vector<unsigned char> bytes = encodeJpeg(image, quality);
            const cv::Mat read = cv::imdecode(bytes, cv::IMREAD_COLOR);
            BOOST_TEST_REQUIRE(read.size() == size);
            BOOST_TEST(cv::norm(read, cv::imdecode(expected, cv::IMREAD_COLOR), cv::NORM_INF) <= kRounding);
            BOOST_TEST(double(bytes.size()) < 1.1 * double(expected.size()) + 20);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_view_of_a_larger_image) {
    const cv::Mat large = picture(40, 60), view = large(cv::Rect(11, 3, 23, 17));
    BOOST_TEST(encodeJpeg(view, 70) == encodeJpeg(view.clone(), 70), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(other_types_are_refused) {
    BOOST_CHECK_THROW(encodeJpeg(cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)), 70), cv::Exception);
    BOOST_CHECK_THROW(encodeJpeg(cv::Mat(), 70), cv::Exception);
}
