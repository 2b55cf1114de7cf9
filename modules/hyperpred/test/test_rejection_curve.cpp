// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE rejection_curve
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "rejection_curve.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(counts_by_hand) {
    RejectionCurve curve;
    // Familiarities 0..7, added out of order; the answers of 1 and 4 are wrong.
    for (const int f : {5, 2, 7, 0, 4, 1, 6, 3}) curve.add(float(f), f != 1 && f != 4);
    for (const float f : {-1.f, 0.5f, 1.5f, 9.f}) curve.addStranger(f);
    const std::vector<RejectionPoint> points = curve.points();
    BOOST_TEST(curve.strangers() == 4);
    BOOST_REQUIRE(points.size() == 5u);  // 0, 1, 2, 3 and 4 of 8 refused, each once
    for (size_t i = 0; i < points.size(); ++i) {
        BOOST_TEST(points[i].threshold == float(i));
        BOOST_TEST(points[i].refused == double(i) / 8);
    }
    BOOST_TEST(points[0].accuracy == 6.0 / 8);
    BOOST_TEST(points[1].accuracy == 5.0 / 7);
    BOOST_TEST(points[2].accuracy == 5.0 / 6);
    BOOST_TEST(points[4].accuracy == 3.0 / 4);
    BOOST_TEST(points[0].strangersRefused == 0.25);
    BOOST_TEST(points[1].strangersRefused == 0.5);
    BOOST_TEST(points[4].strangersRefused == 0.75);
}

BOOST_AUTO_TEST_CASE(few_points_however_many_images) {
    RejectionCurve curve;
    for (int i = 0; i < 12345; ++i) curve.add(float((i * 7919) % 12345), i % 3 != 0);
    const std::vector<RejectionPoint> points = curve.points();
    BOOST_TEST(points.size() == 51u);
    for (size_t i = 0; i < points.size(); ++i) BOOST_TEST(std::abs(points[i].refused - double(i) / 100) < 1e-4);
    BOOST_TEST(points[0].strangersRefused == 0.0);
}

BOOST_AUTO_TEST_CASE(nothing_and_all_equal) {
    RejectionCurve none;
    BOOST_TEST(none.points().empty());
    RejectionCurve equal;
    for (int i = 0; i < 7; ++i) equal.add(2.f, i == 0);
    BOOST_REQUIRE(equal.points().size() == 1u);
    BOOST_TEST(equal.points()[0].refused == 0.0);
    BOOST_TEST(equal.points()[0].accuracy == 1.0 / 7);
}
