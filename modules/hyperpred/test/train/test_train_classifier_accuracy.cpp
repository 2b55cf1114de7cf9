// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_classifier_accuracy
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "base_stage.hpp"
#include "checkpoint.hpp"
#include "classifier_accuracy.hpp"
#include "tiny_training.hpp"

using namespace cv::hyperpred;

namespace {

// Seven classes for training, three others.
std::vector<DataSet> drawnSets(const TinyTraining& tiny, int dropped, int kept) {
    std::map<std::string, PackedFile> files;
    DataRule rule;
    rule.file = tiny.path("a.pack");
    rule.name = "drawn";
    rule.excludeLastOfRest = dropped;
    rule.onlyLastOfRest = kept;
    return selectData({rule}, files);
}

}  // namespace

BOOST_AUTO_TEST_CASE(AClassifierThatAlwaysSaysOneClassIsRightOnThatClass) {
    const TinyTraining tiny;
    const Settings settings = tiny.settings("none", {});
    const Architecture architecture = loadArchitecture(settings.architectureFile);
    auto chance = torch::make_generator<at::CPUGeneratorImpl>(uint64_t(3));
    Named parameters = initialBase(architecture, chance);
    parameters["classifier.weight"] = torch::zeros({7, 9});
    parameters["classifier.bias"] = torch::zeros({7});
    parameters["classifier.bias"][2] = 1.0;
    const std::vector<DataSet> sets = drawnSets(tiny, 3, 0);
    const LabelSpace space = labelSpaceOf(sets, "per_set");
    const double accuracy = classifierAccuracy(architecture, parameters, space, sets, sets[0], false, torch::kCPU);
    BOOST_CHECK_CLOSE(accuracy, 1.0 / 7, 1e-4);
}

BOOST_AUTO_TEST_CASE(StageOneReportsItsTestAndLearnsIt) {
    const TinyTraining tiny;
    const Settings plain = tiny.settings("none", {});
    nlohmann::json document = nlohmann::json::parse(plain.document);
    document["test"] = document["data"];
    const Settings settings = parseSettings(document.dump(), "tiny",
        {"run.out=" + tiny.path("tested"), "base.epochs=20", "base.mixup=0", "base.cutmix=0", "base.transform=0",
         "base.schedule=one_cycle", "base.colour=0", "base.erase=0", "run.precision=f32"});
    BOOST_REQUIRE(runBaseStage(settings, nullptr));
    const nlohmann::json summary = nlohmann::json::parse(loadCheckpoint(tiny.path("tested")).summary);
    BOOST_CHECK_GT(summary.at("drawn test raw").get<double>(), 0.8);  // seven mean colours
    BOOST_CHECK_GT(summary.at("drawn test averaged").get<double>(), 0.3);
}

BOOST_AUTO_TEST_CASE(ATestOfOtherClassesIsRefused) {
    const TinyTraining tiny;
    const std::vector<DataSet> sets = drawnSets(tiny, 3, 0);
    std::vector<DataSet> others = drawnSets(tiny, 0, 3);
    BOOST_CHECK_THROW(matchTests(others, sets), std::exception);
    others[0].name = "unheard of";
    BOOST_CHECK_THROW(matchTests(others, sets), std::exception);
    BOOST_CHECK_EQUAL(matchTests(sets, sets).size(), 1);
}
