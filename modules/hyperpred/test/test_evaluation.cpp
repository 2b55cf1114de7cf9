// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE evaluation
#include <boost/test/unit_test.hpp>

#include "evaluation.hpp"

using namespace cv::hyperpred;

namespace {

Answer answer(int label, std::vector<float> probabilities, bool unknown = false, float familiarity = 0) {
    Answer result;
    result.label = label;
    result.probabilities = std::move(probabilities);
    result.unknown = unknown;
    result.familiarity = familiarity;
    return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(counts_by_hand) {
    Evaluation evaluation({"a", "b", "c", "d", "e", "f", "g"});
    evaluation.add(0, answer(0, {0.7f, 0.1f, 0.05f, 0.05f, 0.04f, 0.03f, 0.03f}), "right.jpg");
    evaluation.add(1, answer(0, {0.6f, 0.2f, 0.1f, 0.05f, 0.02f, 0.02f, 0.01f}), "wrong.jpg");
    evaluation.add(6, answer(0, {0.4f, 0.2f, 0.1f, 0.1f, 0.1f, 0.09f, 0.01f}, true), "wrong, refused.jpg");
    evaluation.add(-1, answer(2, {0.1f, 0.1f, 0.4f, 0.1f, 0.1f, 0.1f, 0.1f}, true), "stranger.jpg");
    const auto result = evaluation.json();
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
    const auto result = Evaluation({"a", "b"}).json();
    BOOST_TEST(result["top1"] == 0.0);
    BOOST_TEST(result["per_class"].empty());
}

BOOST_AUTO_TEST_CASE(lists_name_files) {
    Evaluation evaluation({"a", "b"});
    evaluation.add(0, answer(0, {0.9f, 0.1f}), "0.jpg");
    evaluation.add(0, answer(1, {0.4f, 0.6f}), "1.jpg");
    evaluation.add(1, answer(0, {0.8f, 0.2f}), "bytes \xff.jpg");
    evaluation.add(-1, answer(0, {0.8f, 0.2f}, false, 1), "s1.jpg");
    evaluation.add(-1, answer(1, {0.3f, 0.7f}, false, 2), "s2.jpg");
    evaluation.add(-1, answer(1, {0.3f, 0.7f}, true, -3), "s3.jpg");
    const auto result = evaluation.json();
    BOOST_TEST(result["judged"]["images"] == 3);
    BOOST_TEST(result["judged"]["right"] == 1);
    BOOST_TEST(result["judged"]["rejection"][0].contains("strangers_refused"));
    BOOST_TEST((result["examples"][0] == std::vector<std::string>{"0.jpg", "1.jpg"}));
    BOOST_REQUIRE(result["mistakes"].size() == 2u);
    BOOST_TEST(result["mistakes"][0]["file"] == "bytes \xff.jpg");
    BOOST_TEST(result["mistakes"][0]["label"] == "b");
    BOOST_TEST(result["mistakes"][0]["looks_like"] == "a");
    BOOST_TEST(std::abs(result["mistakes"][0]["margin"].get<double>() - 0.6) < 1e-6);
    BOOST_TEST(result["strangers_accepted"] == 2);
    BOOST_TEST(result["strangers"][0]["file"] == "s2.jpg");  // the most familiar first
    BOOST_TEST(result["strangers"][1]["looks_like"] == "a");
}

BOOST_AUTO_TEST_CASE(ranked_images_keep_the_highest) {
    RankedImages ranked(5);
    for (int i = 0; i < 1001; ++i) {
        RankedImages::Row row;
        row.file = std::to_string(i);
        row.rank = double((i * 631) % 1001);
        ranked.add(row);
    }
    BOOST_TEST(ranked.count() == 1001u);
    const std::vector<RankedImages::Row> rows = ranked.rows();
    BOOST_REQUIRE(rows.size() == 5u);
    for (size_t i = 0; i < rows.size(); ++i) BOOST_TEST(rows[i].rank == double(1000 - i));
}

BOOST_AUTO_TEST_CASE(dense_confusion_ends_at_a_thousand_classes) {
    BOOST_TEST(Evaluation(std::vector<std::string>(1000, "n")).json()["confusion"].size() == 1000u);
    BOOST_TEST(!Evaluation(std::vector<std::string>(1001, "n")).json().contains("confusion"));
}
