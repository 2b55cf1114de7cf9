// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE evaluation
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "evaluation.hpp"

using namespace cv::hyperpred;

namespace {

Answer answer(int label, std::vector<float> probabilities, bool unknown = false) {
    Answer result;
    result.label = label;
    result.probabilities = std::move(probabilities);
    result.unknown = unknown;
    return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(counts_by_hand) {
    Evaluation evaluation({"a", "b", "c", "d", "e", "f", "g"});
    evaluation.add(0, answer(0, {0.7f, 0.1f, 0.05f, 0.05f, 0.04f, 0.03f, 0.03f}));
    evaluation.add(1, answer(0, {0.6f, 0.2f, 0.1f, 0.05f, 0.02f, 0.02f, 0.01f}));
    evaluation.add(6, answer(0, {0.4f, 0.2f, 0.1f, 0.1f, 0.1f, 0.09f, 0.01f}, true));
    evaluation.add(-1, answer(2, {0.1f, 0.1f, 0.4f, 0.1f, 0.1f, 0.1f, 0.1f}, true));
    const auto result = nlohmann::json::parse(evaluation.json());
    BOOST_TEST(result["images"] == 3);
    BOOST_TEST(std::abs(evaluation.top1() - 1.0 / 3) < 1e-12);
    BOOST_TEST(std::abs(result["top5"].get<double>() - 2.0 / 3) < 1e-12);
    BOOST_TEST(std::abs(result["refused"].get<double>() - 1.0 / 3) < 1e-12);
    BOOST_TEST(result["foreign_images"] == 1);
    BOOST_TEST(result["foreign_refused"] == 1.0);
    BOOST_TEST(result["confusion"][1][0] == 1);
    BOOST_TEST(result["per_class"].size() == 3u);
    BOOST_TEST(result["per_class"][1]["confused_with"] == "a");
    // Bins by confidence: 0.7 right, 0.6 wrong, 0.4 wrong, each alone: (0.3 + 0.6 + 0.4) / 3.
    BOOST_TEST(std::abs(result["calibration_error"].get<double>() - 1.3 / 3) < 1e-6);
}

BOOST_AUTO_TEST_CASE(nothing_to_count) {
    const auto result = nlohmann::json::parse(Evaluation({"a", "b"}).json());
    BOOST_TEST(result["top1"] == 0.0);
    BOOST_TEST(result["per_class"].empty());
}
