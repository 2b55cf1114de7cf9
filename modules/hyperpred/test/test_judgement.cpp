// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE judgement
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "judgement.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(json_holds_all_counts) {
    Judgement judgement(3);
    judgement.add(0, 0, 0.9, 1.f);
    judgement.add(0, 2, 0.6, 0.f);
    judgement.add(2, 2, 0.8, 3.f);
    judgement.addStranger(0.5f);
    BOOST_TEST(judgement.images() == 3);
    BOOST_TEST(judgement.accuracy() == 2.0 / 3);
    const auto json = nlohmann::json::parse(judgement.json());
    BOOST_TEST(json["images"] == 3);
    BOOST_TEST(json["right"] == 2);
    BOOST_TEST(json["interval"][0].get<double>() < 2.0 / 3);
    BOOST_TEST(json["interval"][1].get<double>() > 2.0 / 3);
    BOOST_TEST((json["class_images"] == nlohmann::json({2, 0, 1})));
    BOOST_TEST((json["class_right"] == nlohmann::json({1, 0, 1})));
    BOOST_TEST((json["confusion"] == nlohmann::json::array({{0, 2, 1}})));
    BOOST_TEST(json["confusion_left_out"] == 0);
    BOOST_TEST(json["calibration_error"].get<double>() == judgement.calibrationError());
    BOOST_TEST(json["reliability"].size() == 15u);
    BOOST_TEST(json["reliability"][13]["images"] == 1);  // 0.9
    BOOST_TEST(json["reliability"][13]["confidence"] == 0.9);
    BOOST_TEST(json["rejection"].size() == 2u);
    BOOST_TEST(json["rejection"][0]["strangers_refused"] == 0.0);
    BOOST_TEST(json["rejection"][1]["strangers_refused"] == 1.0);
    BOOST_TEST(json["rejection"][1]["accuracy"] == 1.0);
}

BOOST_AUTO_TEST_CASE(without_strangers_nothing_is_said_of_them) {
    Judgement judgement(2);
    judgement.add(0, 1, 0.5, 1.f);
    BOOST_TEST(!nlohmann::json::parse(judgement.json())["rejection"][0].contains("strangers_refused"));
}

// 200 classes, each taken for each other once: 39,800 pairs.
BOOST_AUTO_TEST_CASE(pairs_are_bounded_and_the_rest_is_counted) {
    Judgement judgement(200);
    for (int label = 0; label < 200; ++label) {
        for (int answer = 0; answer < 200; ++answer) {
            judgement.add(label, answer, 0.5, 0.f);
            if (label == 7 && answer == 3) judgement.add(label, answer, 0.5, 0.f);
        }
    }
    const auto json = nlohmann::json::parse(judgement.json());
    BOOST_TEST(json["confusion"].size() == 10000u);
    BOOST_TEST((json["confusion"][0] == nlohmann::json({7, 3, 2})));
    BOOST_TEST(json["confusion_left_out"] == 29800);
    BOOST_TEST(judgement.json().size() < 500000u);
}
