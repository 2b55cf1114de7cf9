// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE shift
#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "shift.hpp"

using namespace cv::hyperpred;

namespace {

cv::Mat drawn() {
    cv::Mat image(17, 17, CV_8UC3);
    cv::RNG chance(3);
    chance.fill(image, cv::RNG::UNIFORM, 0, 256);
    return image;
}

double difference(const cv::Mat& a, const cv::Mat& b) {
    return cv::norm(a, b, cv::NORM_INF);
}

double spread(const cv::Mat& image) {
    cv::Scalar mean, deviation;
    cv::meanStdDev(image.reshape(1), mean, deviation);
    return deviation[0];
}

}  // namespace

BOOST_AUTO_TEST_CASE(EveryShiftKeepsSizeAndTypeIsRepeatableAndOnlyPlainChangesNothing) {
    const cv::Mat image = drawn();
    for (const std::string& name : shiftNames()) {
        const cv::Mat out = shifted(image, name, 7);
        BOOST_CHECK(out.size() == image.size());
        BOOST_CHECK_EQUAL(out.type(), CV_8UC3);
        BOOST_CHECK_EQUAL(difference(out, shifted(image, name, 7)), 0);
        BOOST_CHECK_EQUAL(difference(out, image) == 0, name == "plain");
    }
    BOOST_CHECK_GT(difference(shifted(image, "noise", 7), shifted(image, "noise", 8)), 0);
    BOOST_CHECK_THROW(shifted(image, "sideways", 0), cv::Exception);
}

BOOST_AUTO_TEST_CASE(ShiftsDoWhatTheirNamesSay) {
    const cv::Mat image = drawn();
    BOOST_CHECK_EQUAL(difference(shifted(shifted(image, "inverted", 0), "inverted", 0), image), 0);
    const cv::Vec3b pixel = image.at<cv::Vec3b>(4, 9), grey = shifted(image, "grey", 0).at<cv::Vec3b>(4, 9);
    BOOST_CHECK_SMALL(grey[0] - (pixel[0] + pixel[1] + pixel[2]) / 3.0, 1.0);
    BOOST_CHECK(grey[0] == grey[1] && grey[1] == grey[2]);
    const cv::Vec3b permuted = shifted(image, "permuted", 0).at<cv::Vec3b>(4, 9);
    BOOST_CHECK(permuted == cv::Vec3b(pixel[1], pixel[2], pixel[0]));
    BOOST_CHECK_LT(spread(shifted(image, "blurred", 0)), 0.4 * spread(image));
    BOOST_CHECK_CLOSE(spread(shifted(image, "low_contrast", 0)), 0.25 * spread(image), 2);
    BOOST_CHECK(shifted(image, "rotated", 0).at<cv::Vec3b>(16 - 9, 4) == pixel);
    const cv::Mat flat(8, 8, CV_8UC3, cv::Scalar(40, 50, 60));
    BOOST_CHECK_EQUAL(cv::norm(shifted(flat, "edges", 0)), 0);
}

BOOST_AUTO_TEST_CASE(ADrawTakesTheSameNumberOfEveryClassAndFollowsItsSeed) {
    LabelledImages images;
    images.size = 8;
    images.classNames = {"a", "b", "c"};
    for (int i = 0; i < 30; ++i) {
        images.labels.push_back(i % 3);
        images.pixels.insert(images.pixels.end(), images.imageBytes(), uint8_t(i));
    }
    const LabelledImages one = drawImages(images, 4, 1), again = drawImages(images, 4, 1),
                         other = drawImages(images, 4, 2);
    for (int c = 0; c < 3; ++c) BOOST_CHECK_EQUAL(std::count(one.labels.begin(), one.labels.end(), c), 4);
    for (int i = 0; i < one.count(); ++i) BOOST_CHECK_EQUAL(one.image(i).at<uchar>(0, 0) % 3, one.labels[size_t(i)]);
    BOOST_CHECK(one.pixels == again.pixels);
    BOOST_CHECK(one.pixels != other.pixels);
    BOOST_CHECK_EQUAL(drawImages(images, 99, 1).count(), 30);
}
