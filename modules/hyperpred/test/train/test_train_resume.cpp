// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_resume
#include <boost/test/unit_test.hpp>

#include "base_stage.hpp"
#include "checkpoint.hpp"
#include "meta_stage.hpp"
#include "tiny_training.hpp"

using namespace cv::hyperpred;

namespace {

bool same(const Named& a, const Named& b) {
    if (a.size() != b.size() || a.empty()) return false;
    for (const auto& entry : a) {
        if (b.count(entry.first) == 0 || !torch::equal(entry.second, b.at(entry.first))) return false;
    }
    return true;
}

// Runs a stage whole, and again in pieces of `piece` steps, each from the checkpoint of the one before.
void compareWholeAndPieces(bool (*stage)(const Settings&, TrainState*), const std::vector<std::string>& more,
                           int piece) {
    const TinyTraining tiny;
    at::set_num_threads(2);
    BOOST_REQUIRE(stage(tiny.settings("whole", more), nullptr));
    std::vector<std::string> stopping = more;
    stopping.push_back("run.stop_after_steps=" + std::to_string(piece));
    bool done = stage(tiny.settings("pieces", stopping), nullptr);
    BOOST_CHECK(!done);
    int sessions = 1;
    while (!done) {
        TrainState state = loadCheckpoint(tiny.path("pieces"));
        BOOST_REQUIRE_EQUAL(state.step, sessions * piece);
        const Settings settings = parseSettings(state.settings, "checkpoint", {});
        done = stage(settings, &state);
        BOOST_REQUIRE_LT(++sessions, 20);
    }
    const TrainState whole = loadCheckpoint(tiny.path("whole")), pieces = loadCheckpoint(tiny.path("pieces"));
    BOOST_CHECK_EQUAL(whole.step, pieces.step);
    BOOST_CHECK_EQUAL(whole.images, pieces.images);
    BOOST_CHECK(same(whole.parameters, pieces.parameters));
    BOOST_CHECK(same(whole.average, pieces.average));
    BOOST_CHECK(same(whole.optimiser, pieces.optimiser));
    BOOST_CHECK(torch::equal(whole.chance, pieces.chance));
    BOOST_CHECK_EQUAL(whole.summary, pieces.summary);
}

}  // namespace

BOOST_AUTO_TEST_CASE(BaseStageInPiecesEqualsTheWholeBitForBit) {
    compareWholeAndPieces(runBaseStage, {}, 5);
}

BOOST_AUTO_TEST_CASE(BaseStageWithAdamWAndLowerResolutionToo) {
    compareWholeAndPieces(runBaseStage, {"base.optimiser=adamw", "base.lr=0.001", "base.resolutions=[[0,12],[0.5,16]]",
                                         "run.precision=f32"}, 4);
}

BOOST_AUTO_TEST_CASE(MetaStageInPiecesEqualsTheWholeBitForBit) {
    compareWholeAndPieces(runMetaStage, {"meta.base_lr=0.0001"}, 3);
}

// Among later checkpoints its own would be removed as the oldest, and `resume` would go on from another's.
BOOST_AUTO_TEST_CASE(AnEarlierCheckpointGoesOnInAFolderOfItsOwn) {
    const TinyTraining tiny;
    at::set_num_threads(2);
    const std::string stop = "run.stop_after_steps=3";
    BOOST_REQUIRE(!runBaseStage(tiny.settings("run", {stop}), nullptr));
    TrainState state = loadCheckpoint(tiny.path("run"));
    BOOST_REQUIRE(!runBaseStage(tiny.settings("run", {stop}), &state));
    TrainState early = loadCheckpoint(tiny.path("run/checkpoint-0000000003.pt")), again = early;
    BOOST_CHECK_EXCEPTION(
        runBaseStage(tiny.settings("run", {stop}), &early), std::exception, [](const std::exception& error) {
            return std::string(error.what()).find("checkpoint-0000000006.pt\" is later than step 3") !=
                   std::string::npos;
        });
    BOOST_CHECK(!runBaseStage(tiny.settings("branch", {stop}), &again));
    BOOST_CHECK_EQUAL(loadCheckpoint(tiny.path("branch")).step, 6);
}

BOOST_AUTO_TEST_CASE(OnlyTheNewestTwoCheckpointsStay) {
    const TinyTraining tiny;
    TrainState state;
    state.stage = "base";
    state.chance = torch::zeros({3}, torch::kByte);
    for (state.step = 1; state.step <= 4; ++state.step) saveCheckpoint(tiny.path(""), state);
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(tiny.path(""))) {
        found += entry.path().extension() == ".pt" ? 1 : 0;
    }
    BOOST_CHECK_EQUAL(found, 2);
    BOOST_CHECK_EQUAL(loadCheckpoint(tiny.path("")).step, 4);
}

BOOST_AUTO_TEST_CASE(ADamagedCheckpointIsRefusedByName) {
    const TinyTraining tiny;
    std::ofstream(tiny.path("checkpoint-0000000001.pt")) << "nothing of the kind";
    BOOST_CHECK_EXCEPTION(loadCheckpoint(tiny.path("")), std::exception, [](const std::exception& error) {
        return std::string(error.what()).find("checkpoint-0000000001.pt") != std::string::npos;
    });
}
