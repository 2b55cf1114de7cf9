// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE reliability
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "reliability.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(bins_and_error_by_hand) {
    Reliability reliability;
    BOOST_TEST(reliability.calibrationError() == 0.0);
    reliability.add(0.95, true);
    reliability.add(0.97, true);
    reliability.add(0.99, false);
    reliability.add(0.4, true);
    BOOST_REQUIRE(reliability.bins().size() == 15u);
    BOOST_TEST(reliability.bins()[14].images == 3);  // 14 / 15 = 0.933
    BOOST_TEST(reliability.bins()[14].right == 2);
    BOOST_TEST(std::abs(reliability.bins()[14].confidence - 2.91) < 1e-12);
    BOOST_TEST(reliability.bins()[6].images == 1);  // 6 / 15 = 0.4
    // |2 - 2.91| + |1 - 0.4|, of 4
    BOOST_TEST(std::abs(reliability.calibrationError() - (0.91 + 0.6) / 4) < 1e-12);
}

BOOST_AUTO_TEST_CASE(the_ends_have_bins) {
    Reliability reliability;
    reliability.add(0, false);
    reliability.add(1, true);
    reliability.add(1.0000001, true);  // a softmax in float may sum to a little more
    BOOST_TEST(reliability.bins().front().images == 1);
    BOOST_TEST(reliability.bins().back().images == 2);
}
