// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE fused_steps
#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "fused_steps.hpp"
#include "small_nets.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

bool makes(Op op) {
    return op == Op::Conv || op == Op::MaxPool || op == Op::AvgPool || op == Op::GlobalPool;
}

// Nodes that a step stands for.
int nodesIn(const FusedStep& step) {
    return int(makes(step.op)) + int(step.batchNorm >= 0) + int(step.pool >= 0) + int(step.other != kNoStep) +
           int(step.relu);
}

bool same(const Shape& a, const Shape& b) {
    return a.channels == b.channels && a.height == b.height && a.width == b.width;
}

void checkStep(const Architecture& architecture, const FusedSteps& fused, size_t index) {
    const FusedStep& step = fused.steps[index];
    const auto nodeAt = [&](int node) { return architecture.nodes[size_t(node)]; };
    BOOST_TEST(step.source < int(index));
    BOOST_TEST(step.other < int(index));
    BOOST_TEST((nodeAt(step.node).op == step.op));
    BOOST_TEST(same(step.raw, nodeAt(step.node).shape));
    BOOST_TEST(same(step.shape, nodeAt(step.last).shape));
    BOOST_TEST(same(step.in, step.source == kImageStep ? inputShape(architecture, nodeAt(step.node))
                                                       : fused.steps[size_t(step.source)].shape));
    if (step.batchNorm >= 0) BOOST_TEST((nodeAt(step.batchNorm).op == Op::BatchNorm));
    if (step.pool >= 0) BOOST_TEST((nodeAt(step.pool).op == Op::MaxPool && step.op == Op::Conv));
}

size_t count(const FusedSteps& fused, bool (*holds)(const FusedStep&)) {
    return size_t(std::count_if(fused.steps.begin(), fused.steps.end(), holds));
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_node_is_in_one_step_and_stages_keep_their_activation) {
    std::vector<Architecture> drawn = {everyOp(), depthwiseNet()};
    for (unsigned seed = 0; seed < 40; ++seed) drawn.push_back(randomArchitecture(seed));
    for (const Architecture& architecture : drawn) {
        for (const Pools pools : {Pools::Apart, Pools::InConvolutions}) {
            const FusedSteps fused = fuseNodes(architecture, pools);
            int nodes = 0;
            for (size_t i = 0; i < fused.steps.size(); ++i) {
                checkStep(architecture, fused, i);
                nodes += nodesIn(fused.steps[i]);
            }
            BOOST_TEST(nodes == int(architecture.nodes.size()));
            BOOST_TEST_REQUIRE(fused.stepOf.size() == architecture.stages.size());
            for (size_t s = 0; s < fused.stepOf.size(); ++s) {
                BOOST_TEST(fused.steps[size_t(fused.stepOf[s])].last == architecture.stages[s]);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_residual_block_is_three_steps) {
    DocumentBuilder build(16);
    const std::string stem = build.convNormRelu("image", 8, 3, 1, 1);
    const FusedSteps fused = fuseNodes(build.build({build.residual(stem, 8, 16, 2)}), Pools::Apart);
    // stem; first convolution; second, with the addition and the relu once the shortcut is there.
    BOOST_TEST(fused.steps.size() == 4);
    BOOST_TEST(count(fused, [](const FusedStep& step) { return step.other != kNoStep; }) == 1);
    BOOST_TEST(count(fused, [](const FusedStep& step) { return step.relu; }) == 3);
    BOOST_TEST(count(fused, [](const FusedStep& step) { return step.batchNorm >= 0; }) == 4);
}

BOOST_AUTO_TEST_CASE(a_pool_joins_the_convolution_that_it_alone_reads) {
    const auto stepsOf = [](bool relu, bool read, Pools pools) {
        DocumentBuilder build(16);
        std::string map = build.unary("batch_norm", build.conv("image", 8, 3, 1, 1));
        if (relu) map = build.unary("relu", map);
        const std::string pooled = build.unary("relu", build.pool("max_pool", map, 2, 2, 0));
        return fuseNodes(build.build(read ? std::vector<std::string>{map, pooled} : std::vector<std::string>{pooled}),
                         pools);
    };
    for (const bool relu : {false, true}) {
        const FusedSteps one = stepsOf(relu, false, Pools::InConvolutions);
        // The relu behind the pooling is in the step where none was before it.
        BOOST_TEST(one.steps.size() == (relu ? 2u : 1u));
        BOOST_TEST(one.steps[0].pool >= 0);
        BOOST_TEST(one.steps[0].relu);
        BOOST_TEST(one.steps[0].raw.height == 16);
        BOOST_TEST(one.steps[0].shape.height == 8);
        BOOST_TEST(stepsOf(relu, true, Pools::InConvolutions).steps.size() == 2);
        BOOST_TEST(stepsOf(relu, false, Pools::Apart).steps.size() == 2);
        BOOST_TEST(stepsOf(relu, false, Pools::Apart).steps[0].pool == -1);
    }
}

BOOST_AUTO_TEST_CASE(only_the_steps_that_a_stage_depends_on_are_needed) {
    DocumentBuilder build(16);
    const std::string first = build.convNormRelu("image", 8, 3, 1, 1);
    const std::string second = build.residual(first, 8, 8, 1);
    const std::string third = build.residual(second, 8, 16, 2);
    const FusedSteps fused = fuseNodes(build.build({first, second, third}), Pools::Apart);
    const auto needed = [&](const std::vector<int>& stages) {
        const std::vector<bool> steps = neededSteps(fused.steps, fused.stepOf, stages);
        return std::count(steps.begin(), steps.end(), true);
    };
    BOOST_TEST(fused.steps.size() == 6);
    BOOST_TEST(needed({1}) == 1);
    BOOST_TEST(needed({2}) == 3);
    BOOST_TEST(needed({1, 2}) == 3);
    BOOST_TEST(needed({3}) == 6);
}
