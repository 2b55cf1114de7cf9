// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE protocol
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "protocol.hpp"

using namespace cv::hyperpred;

namespace {

const char kGood[] = R"({"title": "t", "train": "a/train", "test": "a/test", "unseen": [5, 4], "images_per_class": [5],
    "shift_images": [2, 30],
    "architectures": [{"architecture": "net.json", "runs": [{"name": "b", "stage": "base", "config": "b.json"},
    {"name": "m", "stage": "meta", "config": "m.json", "from": "b",
    "set": {"meta.tasks": 7, "base.resolutions": []}}], "predicted": "m", "fixed": "models/x.safetensors",
    "scratch": [{"run": "b", "title": "rival", "epochs": [1, 2.5]}],
    "others": [{"title": "shipped", "model": "models/y.safetensors"}],
    "published": [{"title": "paper", "head": "cosine", "top1": 0.7333, "seconds": 0.5, "where": "GPU"}]}]})";

Protocol parse(const std::string& text) {
    const std::string path = (std::filesystem::temp_directory_path() / "hyperpred-protocol.json").string();
    std::ofstream(path) << text;
    return loadProtocol(path);
}

std::string with(const std::string& from, const std::string& to) {
    std::string text = kGood;
    return text.replace(text.find(from), from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_CASE(AProtocolIsReadWithPathsBesideItsFile) {
    const Protocol protocol = parse(kGood);
    BOOST_CHECK_EQUAL(protocol.name, "hyperpred-protocol");
    BOOST_CHECK(protocol.unseen.takes(9) && !protocol.unseen.takes(8));
    const std::vector<int> shiftImages = {2, 30};
    BOOST_TEST(protocol.shiftImages == shiftImages, boost::test_tools::per_element());
    const ArchitecturePlan& plan = protocol.architectures.at(0);
    const std::string folder = std::filesystem::temp_directory_path().string();
    BOOST_CHECK_EQUAL(plan.architecture, folder + "/net.json");
    BOOST_CHECK_EQUAL(plan.fixed, folder + "/models/x.safetensors");
    BOOST_CHECK_EQUAL(plan.predicted, "m");
    BOOST_CHECK_EQUAL(plan.runs.at(1).from, "b");
    BOOST_CHECK(plan.runs.at(0).set.empty());
    BOOST_CHECK_EQUAL(plan.runs.at(1).set.size(), 2);
    BOOST_CHECK(plan.runs.at(1).set.at("meta.tasks") == 7);
    BOOST_CHECK_EQUAL(plan.others.at(0).model, folder + "/models/y.safetensors");
    BOOST_CHECK_EQUAL(plan.published.at(0).top1, 0.7333);
    BOOST_CHECK_EQUAL(plan.published.at(0).images, 0);
    BOOST_CHECK_EQUAL(plan.scratch.at(0).epochs.at(1), 2.5);
}

BOOST_AUTO_TEST_CASE(WhatCannotBeMeantIsRefused) {
    for (const std::string& text :
         {with("\"title\": \"t\", ", ""), with("[5, 4]", "[5, 5]"), with("\"unseen\"", "\"unsean\""),
          with("\"from\": \"b\"", "\"from\": \"c\""), with("\"predicted\": \"m\"", "\"predicted\": \"n\""),
          with("\"stage\": \"meta\"", "\"stage\": \"both\""), with("\"run\": \"b\"", "\"run\": \"x\""),
          with("meta.tasks", "tasks"), with("meta.tasks", "meta."), with("meta.tasks", "meta.a.b"),
          with("{\"meta.tasks\": 7, \"base.resolutions\": []}", "[7]"), with("[1, 2.5]", "[0]"), with("y.safetensors", "y.json"), with("0.7333", "73.33"), with("\"top1\": 0.7333, ", ""), with("[2, 30]", "[0]"),
          with("[2, 30]", "true"), with("\"title\": \"t\"", "\"title\": 3"), std::string("[]"), std::string("{")}) {
        BOOST_CHECK_THROW(parse(text), cv::Exception);
    }
    BOOST_CHECK_THROW(loadProtocol("/nowhere/p.json"), cv::Exception);
}
