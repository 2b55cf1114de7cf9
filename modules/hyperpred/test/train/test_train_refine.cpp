// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_refine
#include <boost/test/unit_test.hpp>

#include "base_stage.hpp"
#include "checkpoint.hpp"
#include "classifier_accuracy.hpp"
#include "export_model.hpp"
#include "hypernetwork.hpp"
#include "mean_classifier.hpp"
#include "refine.hpp"
#include "sentence.hpp"
#include "tiny_training.hpp"

using namespace cv::hyperpred;
using test::sentenceOf;

namespace {

std::vector<DataSet> drawnSets(const TinyTraining& tiny) {
    std::map<std::string, PackedFile> files;
    DataRule rule;
    rule.file = tiny.path("a.pack");
    rule.name = "support";
    return selectData({rule}, files);
}

// A model file of base weights from a stage 1 of a few steps.
std::string startFile(const TinyTraining& tiny) {
    at::set_num_threads(2);
    runBaseStage(tiny.settings("start", {"run.precision=f32"}), nullptr);
    TrainState state = loadCheckpoint(tiny.path("start"));
    exportModel(state, tiny.path("start.safetensors"), false);
    return tiny.path("start.safetensors");
}

double accuracyOf(const TinyTraining& tiny, const Named& parameters) {
    const Architecture architecture = loadArchitecture(tiny.path("net.json"));
    const std::vector<DataSet> sets = drawnSets(tiny);
    return classifierAccuracy(architecture, parameters, labelSpaceOf(sets, "per_set"), sets, sets[0], false,
                              torch::kCPU);
}

}  // namespace

BOOST_AUTO_TEST_CASE(TheNearestMeansKnowTheClassesBeforeAnyStep) {
    const TinyTraining tiny;
    const Architecture architecture = loadArchitecture(tiny.path("net.json"));
    auto chance = torch::make_generator<at::CPUGeneratorImpl>(uint64_t(5));
    Named parameters = initialBase(architecture, chance);
    addMeanClassifier(architecture, drawnSets(tiny), false, torch::kCPU, parameters);
    BOOST_CHECK_EQUAL(parameters.at("classifier.weight").size(0), 10);
    BOOST_CHECK_GT(accuracyOf(tiny, parameters), 0.5);  // of ten mean colours, by random kernels
}

BOOST_AUTO_TEST_CASE(ARefinedModelStartsFromTheGivenOneAndLearns) {
    const TinyTraining tiny;
    const std::string start = startFile(tiny);
    const auto refined = [&](const std::string& name, const std::vector<std::string>& more) {
        std::vector<std::string> overrides = {"run.precision=f32", "run.threads=2"};
        overrides.insert(overrides.end(), more.begin(), more.end());
        const Settings settings = refineSettings(start, tiny.path("a.pack"), tiny.path(name), overrides);
        BOOST_CHECK(runBaseStage(settings, nullptr));
        TrainState state = loadCheckpoint(settings.word("run.out"));
        exportModel(state, tiny.path(name), false);
        return state;
    };
    // Hardly a step: the start's weights come back.
    refined("still.safetensors", {"base.lr=1e-7", "base.epochs=0.1", "base.weight_decay=0"});
    const ModelFile still = ModelFile::open(tiny.path("still.safetensors")), before = ModelFile::open(start);
    const std::vector<int64_t> shape = {9, 7, 3, 3};
    BOOST_CHECK(still.read("base.c2.weight", shape).values == before.read("base.c2.weight", shape).values);
    BOOST_CHECK(!loadHyperNetwork(still).trained);
    TrainState state = refined("moved.safetensors", {});
    BOOST_CHECK(ModelFile::open(tiny.path("moved.safetensors")).read("base.c2.weight", shape).values !=
                before.read("base.c2.weight", shape).values);
    BOOST_CHECK_GT(accuracyOf(tiny, state.average), 0.5);  // chance is 0.1
    BOOST_CHECK(ModelFile::open(tiny.path("moved.safetensors")).metadata("training").find("hyperpred-train-") ==
                std::string::npos);  // no path of this machine
}

BOOST_AUTO_TEST_CASE(WhatRefineCannotDoIsSaid) {
    const TinyTraining tiny;
    const std::string start = startFile(tiny), packed = tiny.path("a.pack"), out = tiny.path("x.safetensors");
    BOOST_CHECK_NE(sentenceOf([&] { refineSettings(tiny.path("none"), packed, out, {}); }).find("none"),
                   std::string::npos);
    BOOST_CHECK_NE(sentenceOf([&] { refineSettings(start, tiny.path("none"), out, {}); }).find("none"),
                   std::string::npos);
    BOOST_CHECK_NE(sentenceOf([&] { refineSettings(start, packed, out, {"base.init=other"}); }).find("follow from"),
                   std::string::npos);
    BOOST_CHECK_NE(sentenceOf([&] {
                       refineSettings(start, packed, out, {"run.out=" + tiny.path("start")});
                   }).find("already holds checkpoints"),
                   std::string::npos);
}
