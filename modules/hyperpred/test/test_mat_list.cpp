// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE mat_list
#include <boost/test/unit_test.hpp>

#include "mat_list.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(images_of_every_container) {
    const cv::Mat image(3, 5, CV_8UC3, cv::Scalar(1, 2, 3));
    cv::UMat gpu;
    image.copyTo(gpu);
    BOOST_TEST(toMats(image).size() == 1u);
    BOOST_TEST(toMats(gpu).size() == 1u);
    BOOST_TEST(toMats(std::vector<cv::Mat>(4, image)).size() == 4u);
    BOOST_TEST(toMats(std::vector<cv::UMat>(2, gpu)).size() == 2u);
    BOOST_TEST(toMats(std::vector<cv::Mat>()).empty());
    BOOST_TEST(toMats(std::vector<cv::Mat>{image})[0].data == image.data);  // headers, no copies
    BOOST_CHECK_THROW(toMats(std::vector<cv::Point>{{1, 2}}), cv::Exception);
}

BOOST_AUTO_TEST_CASE(labels_of_every_integer_type) {
    const std::vector<int> expected = {3, 0, 7};
    BOOST_TEST(toLabels(expected) == expected);
    BOOST_TEST(toLabels(cv::Mat(expected, true)) == expected);
    BOOST_TEST(toLabels(cv::Mat(expected, true).reshape(1, 1)) == expected);
    cv::Mat narrow, real;
    cv::Mat(expected, true).convertTo(narrow, CV_8U);
    BOOST_TEST(toLabels(narrow) == expected);
    cv::Mat(expected, true).convertTo(real, CV_32F);
    BOOST_CHECK_THROW(toLabels(real), cv::Exception);
    BOOST_CHECK_THROW(toLabels(cv::Mat(2, 2, CV_32S)), cv::Exception);
    BOOST_TEST(toLabels(std::vector<int>()).empty());
}
