// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE self_test
#include <boost/test/unit_test.hpp>

#include <limits>
#include <opencv2/core.hpp>

#include "self_test.hpp"

using namespace cv::hyperpred;

namespace {

std::string complaint(const SelfTest& test) {
    std::string why = "passed";
    return test.passed(why) ? "passed" : why;
}

SelfTest good() {
    SelfTest test;
    test.asked = 12;
    test.right = 11;
    test.apart = {{"cpu", 1e-5}};
    return test;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_shipped_model_passes) {
    const SelfTest test = runSelfTest(HYPERPRED_DATA_DIR "/models/resnet18.safetensors");
    BOOST_TEST(complaint(test) == "passed");
    BOOST_TEST(test.asked == 12);
    BOOST_REQUIRE(test.apart.count("cpu") == 1u);
    BOOST_TEST(test.apart.at("cpu") > 0);  // other sums than the reference's: it was not compared with itself
    BOOST_TEST(test.apart.count("reference") == 0u);
    BOOST_TEST(test.device.find("CPU") == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
    BOOST_TEST(complaint(good()) == "passed");
    SelfTest wrong = good();
    wrong.right = 10;
    BOOST_TEST(complaint(wrong) == "the predicted network told 10 of 12 drawn figures right; at least 11 are expected");
    SelfTest off = good();
    off.apart["cpu"] = 2e-3;
    BOOST_TEST(complaint(off) == "backend \"cpu\" is 2.0e-03 off the reference, more than rounding explains");
    SelfTest half = good();
    half.apart["cuda"] = 2e-3;
    BOOST_TEST(complaint(half) == "passed");
    half.apart["cuda"] = std::numeric_limits<double>::quiet_NaN();
    BOOST_TEST(complaint(half) != "passed");
}

BOOST_AUTO_TEST_CASE(a_missing_model_throws) {
    BOOST_CHECK_THROW(runSelfTest("/none.safetensors"), cv::Exception);
}
