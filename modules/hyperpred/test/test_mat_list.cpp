// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE mat_list
#include <boost/test/unit_test.hpp>

#include <opencv2/core/cuda.hpp>

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

BOOST_AUTO_TEST_CASE(images_on_a_gpu) {
    if (cv::cuda::getCudaEnabledDeviceCount() < 1) {
        const auto says = [](const cv::Exception& e) { return e.err.find("GpuMat") != std::string::npos; };
        BOOST_CHECK_EXCEPTION(toMats(cv::cuda::GpuMat()), cv::Exception, says);
        BOOST_CHECK_EXCEPTION(toMats(std::vector<cv::cuda::GpuMat>(1)), cv::Exception, says);
        BOOST_TEST_MESSAGE("skipped in part: this OpenCV has no CUDA, or no device answers");
        return;
    }
    BOOST_TEST(toMats(cv::cuda::GpuMat()).empty());  // as an empty Mat
    // An empty one among others is refused by its number later on.
    BOOST_TEST(toMats(std::vector<cv::cuda::GpuMat>(2)).size() == 2u);
    cv::Mat image(3, 5, CV_8UC3);
    for (int i = 0; i < 45; ++i) image.data[i] = uint8_t(i * 5);
    const cv::cuda::GpuMat there(image);
    BOOST_TEST(cv::norm(toMats(there)[0], image, cv::NORM_INF) == 0);
    for (const cv::Mat& found : toMats(std::vector<cv::cuda::GpuMat>(2, there))) {
        BOOST_TEST(cv::norm(found, image, cv::NORM_INF) == 0);
    }
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
