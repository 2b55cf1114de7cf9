// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE checked_options
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>

#include "checked_options.hpp"
#include "refusals.hpp"

using namespace cv::hyperpred;
using test::holds;
using test::refusalOf;

namespace {

HyperNetwork withStages(int count) {
    HyperNetwork hyper;
    hyper.architecture.name = "drawn";
    hyper.architecture.stages.assign(size_t(count), 0);
    return hyper;
}

std::string refusal(const std::function<void(PredictOptions&)>& change, const HyperNetwork& hyper = withStages(4)) {
    PredictOptions options;
    change(options);
    return refusalOf([&] { checkOptions(options, hyper); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(defaults_are_the_last_three_stages) {
    const CheckedOptions checked = checkOptions(PredictOptions(), withStages(4));
    BOOST_TEST(bool(checked.head == HeadKind::Ridge));
    BOOST_TEST(bool(checked.format == OnnxFormat::Float));
    BOOST_TEST(bool(checked.choice.pooling == parsePooling("rms")));
    BOOST_TEST((checked.choice.stages == std::vector<int>{2, 3, 4}));
    BOOST_TEST((checkOptions(PredictOptions(), withStages(2)).choice.stages == std::vector<int>{1, 2}));
}

BOOST_AUTO_TEST_CASE(each_bound_is_the_last_that_is_taken) {
    for (const int size : {2, 10000}) BOOST_TEST(refusal([=](PredictOptions& o) { o.sampleSize = size; }) == "");
    for (const int size : {1, 10001, -5}) {
        BOOST_TEST(holds(refusal([=](PredictOptions& o) { o.sampleSize = size; }), "must be 2..10000"));
    }
    for (const double share : {0.0, 0.5}) BOOST_TEST(refusal([=](PredictOptions& o) { o.rejected = share; }) == "");
    for (const double share : {-0.001, 0.501, std::nan("")}) {
        BOOST_TEST(holds(refusal([=](PredictOptions& o) { o.rejected = share; }), "must be 0..0.5"));
    }
    BOOST_TEST(holds(refusal([](PredictOptions& o) { o.dropSuspects = -1; }), "dropSuspects is -1"));
    BOOST_TEST(refusal([](PredictOptions& o) { o.features = {1, 4}; }) == "");
    for (const std::vector<int>& stages : {std::vector<int>{0}, {5}, {2, 2}, {3, 1}}) {
        BOOST_TEST(holds(refusal([&](PredictOptions& o) { o.features = stages; }), "ascend within 1..4"));
    }
}

BOOST_AUTO_TEST_CASE(names_that_are_not_known_are_told) {
    BOOST_TEST(holds(refusal([](PredictOptions& o) { o.head = "svm"; }), "svm"));
    BOOST_TEST(holds(refusal([](PredictOptions& o) { o.format = "tflite"; }), "tflite"));
    BOOST_TEST(holds(refusal([](PredictOptions& o) { o.pooling = "max"; }), "max"));
    BOOST_TEST(holds(refusal([](PredictOptions& o) { o.weights = "best"; }), "weights is \"best\""));
    HyperNetwork pure = withStages(1);
    pure.generators.pure = true;
    BOOST_TEST(refusal([](PredictOptions& o) { o.weights = "base"; }) == "");
    BOOST_TEST(holds(refusal([](PredictOptions& o) { o.weights = "base"; }, pure), "pure form has no base weights"));
}
