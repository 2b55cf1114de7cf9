// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE confusion
#include <boost/test/unit_test.hpp>

#include "confusion.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(counts_and_order) {
    Confusion confusion(4);
    const int answers[][2] = {{0, 0}, {0, 1}, {0, 1}, {2, 1}, {3, 0}, {2, 3}, {2, 3}, {2, 2}, {1, 0}};
    for (const auto& pair : answers) confusion.add(pair[0], pair[1]);
    BOOST_TEST((confusion.images() == std::vector<int>{3, 1, 4, 1}));
    BOOST_TEST((confusion.right() == std::vector<int>{1, 0, 1, 0}));
    BOOST_TEST(confusion.at(0, 1) == 2);
    BOOST_TEST(confusion.at(2, 2) == 1);
    BOOST_TEST(confusion.at(3, 1) == 0);
    const std::vector<ConfusedPair> mistakes = confusion.mistakes();
    const int expected[][3] = {{0, 1, 2}, {2, 3, 2}, {1, 0, 1}, {2, 1, 1}, {3, 0, 1}};
    BOOST_REQUIRE(mistakes.size() == 5u);
    for (size_t i = 0; i < mistakes.size(); ++i) {
        BOOST_TEST(mistakes[i].label == expected[i][0]);
        BOOST_TEST(mistakes[i].answer == expected[i][1]);
        BOOST_TEST(mistakes[i].images == expected[i][2]);
    }
}

BOOST_AUTO_TEST_CASE(ten_thousand_classes_take_little) {
    Confusion confusion(10000);
    for (int c = 0; c < 10000; ++c) confusion.add(c, (c + 1) % 10000);
    BOOST_TEST(confusion.mistakes().size() == 10000u);
    BOOST_TEST(confusion.at(9999, 0) == 1);
}
