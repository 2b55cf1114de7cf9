// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE examples
#include <boost/test/unit_test.hpp>

#include "examples.hpp"

using namespace cv::hyperpred;

using Positions = std::vector<size_t>;

BOOST_AUTO_TEST_CASE(spread_over_the_class_and_never_a_suspect_while_others_last) {
    const std::vector<int> labels = {0, 0, 1, 0, 0, 0, 1, 0, 0, 2};  // class 0: 0 1 3 4 5 7 8
    const auto examples = chooseExamples(labels, 4, {3, 2}, 3);
    BOOST_REQUIRE(examples.size() == 4u);
    BOOST_TEST((examples[0] == Positions{0, 4, 7}));  // of 0 1 4 5 7 8
    BOOST_TEST((examples[1] == Positions{6, 2}));     // the suspect comes last
    BOOST_TEST((examples[2] == Positions{9}));
    BOOST_TEST(examples[3].empty());
}
