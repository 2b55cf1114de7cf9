// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE feature_choice
#include <boost/test/unit_test.hpp>
#include <opencv2/core.hpp>

#include "feature_choice.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(names_and_kinds_belong_together) {
    for (const Pooling pooling : {Pooling::Mean, Pooling::Rms}) {
        BOOST_TEST((parsePooling(poolingName(pooling)) == pooling));
    }
}

BOOST_AUTO_TEST_CASE(another_name_is_refused_with_the_known_ones) {
    for (const char* name : {"", "max", "Mean", "rms "}) {
        BOOST_CHECK_EXCEPTION(parsePooling(name), cv::Exception, [&](const cv::Exception& error) {
            return error.err.find("\"" + std::string(name) + "\"") != std::string::npos &&
                   error.err.find("mean and rms") != std::string::npos;
        });
    }
}

BOOST_AUTO_TEST_CASE(stages_alone_mean_the_mean) {
    const FeatureChoice one = {3}, some = std::vector<int>{1, 2};
    BOOST_TEST(one.stages == std::vector<int>{3}, boost::test_tools::per_element());
    BOOST_TEST((one.pooling == Pooling::Mean && some.pooling == Pooling::Mean));
    BOOST_TEST(some.stages.size() == 2u);
}
