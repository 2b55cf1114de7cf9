// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE accuracy_interval
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "accuracy_interval.hpp"

using namespace cv::hyperpred;

namespace {

bool near(double a, double b) {
    return std::abs(a - b) < 5e-5;  // the tables give four digits
}

}  // namespace

// 81 of 263 and the others are the examples of Newcombe, "Two-sided confidence intervals for the single proportion"
// (1998), table I.
BOOST_AUTO_TEST_CASE(published_values) {
    BOOST_TEST(near(wilsonInterval(81, 263).low, 0.2553));
    BOOST_TEST(near(wilsonInterval(81, 263).high, 0.3662));
    BOOST_TEST(near(wilsonInterval(15, 148).low, 0.0624));
    BOOST_TEST(near(wilsonInterval(15, 148).high, 0.1605));
    BOOST_TEST(near(wilsonInterval(0, 20).high, 0.1611));
    BOOST_TEST(near(wilsonInterval(1, 29).low, 0.0061));
    BOOST_TEST(near(wilsonInterval(1, 29).high, 0.1718));
}

BOOST_AUTO_TEST_CASE(stays_within_zero_and_one) {
    for (const int images : {1, 2, 3, 7, 1000, 2000000000}) {
        BOOST_TEST(wilsonInterval(0, images).low == 0.0);
        BOOST_TEST(wilsonInterval(images, images).high == 1.0);
        BOOST_TEST(wilsonInterval(images, images).low < 1.0);
        for (const int right : {0, images / 3, images}) {
            const AccuracyInterval interval = wilsonInterval(right, images);
            BOOST_TEST(interval.low <= double(right) / images);
            BOOST_TEST(interval.high >= double(right) / images);
        }
    }
    BOOST_TEST(wilsonInterval(0, 0).low == 0.0);
    BOOST_TEST(wilsonInterval(0, 0).high == 1.0);
}
