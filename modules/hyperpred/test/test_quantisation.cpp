// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE quantisation
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

#include "plain_nets.hpp"
#include "quantisation.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

NetNode convolution(size_t rows, const std::vector<float>& weight, float bias) {
    NetNode node;
    node.op = NetOp::Conv;
    node.weight = weight;
    node.bias.assign(rows, bias);
    return node;
}

// Squared error of `row` rounded to multiples of `step` within +-kMostInt8Weight.
double squaredError(const std::vector<float>& row, double step) {
    double error = 0;
    for (const float value : row) {
        const double q = std::max(-64.0, std::min(64.0, std::nearbyint(double(value) / step)));
        error += std::pow(double(value) - q * step, 2);
    }
    return error;
}

std::vector<ActivationRange> someRanges(const NetGraph& graph) {
    std::vector<ActivationRange> ranges(graph.nodes.size());
    for (size_t i = 0; i < ranges.size(); ++i) ranges[i] = {-float(i) - 1, float(2 * i) + 1};
    return ranges;
}

int nodeNamed(const NetGraph& graph, const std::string& name) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        if (graph.nodes[i].name == name) return int(i);
    }
    BOOST_FAIL("no node " << name);
    return -1;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_map_covers_its_range_and_has_zero) {
    const std::vector<ActivationRange> ranges = {{0, 3.7f}, {-1.2f, 0.4f},   {-3, -1},
                                                 {2, 5},    {-1e-6f, 1e-6f}, {-250, 1}};
    for (const ActivationRange& range : ranges) {
        const Int8Map map = int8Map(range);
        BOOST_TEST(map.zero >= 0);
        BOOST_TEST(map.zero <= 255);
        const double low = std::min(0.f, range.low), high = std::max(0.f, range.high);
        for (int i = 0; i <= 1000; ++i) {
            const double x = low + (high - low) * i / 1000;
            const double q = std::min(255.0, std::max(0.0, std::nearbyint(x / double(map.step)) + map.zero));
            BOOST_TEST_REQUIRE(std::abs((q - map.zero) * double(map.step) - x) <= 1.001 * double(map.step));
        }
        BOOST_TEST(double(map.step) <= 1.0001 * (high - low) / 255);
    }
    BOOST_TEST(int8Map({0, 0}).step == 1.f);  // nothing but zeros: any step will do
}

BOOST_AUTO_TEST_CASE(weights_are_rounded_a_step_a_channel) {
    std::mt19937 draw(3);
    std::vector<float> weight = randomFloats(draw, 3 * 7 * 9, 0, 0.1);
    for (size_t i = 63; i < 126; ++i) weight[i] *= 1000;
    for (size_t i = 126; i < 189; ++i) weight[i] = 0;
    const Int8Convolution integers = int8Convolution(convolution(3, weight, 0.3f), 0.02f);
    BOOST_TEST(integers.steps[1] > 100 * integers.steps[0]);
    BOOST_TEST(integers.steps[2] > 0);
    for (size_t i = 0; i < weight.size(); ++i) {
        BOOST_TEST(std::abs(int(integers.kernel[i])) <= kMostInt8Weight);
        const float step = integers.steps[i / 63], back = float(integers.kernel[i]) * step;
        const bool cutOff = std::abs(int(integers.kernel[i])) == kMostInt8Weight;
        if (!cutOff) BOOST_TEST(std::abs(back - weight[i]) <= 0.501f * step);
    }
    for (size_t o = 0; o < 3; ++o) {
        BOOST_TEST(integers.biasSteps[o] == 0.02f * integers.steps[o]);
        const double step = double(integers.biasSteps[o]);
        BOOST_TEST(std::abs(double(integers.bias[o]) * step - 0.3) < 0.501 * step);
    }
}

BOOST_AUTO_TEST_CASE(the_step_cuts_off_what_costs_less_than_finer_rounding_saves) {
    std::mt19937 draw(5);
    std::vector<float> row = randomFloats(draw, 20000, 0, 1);
    row[77] = 6;
    const Int8Convolution integers = int8Convolution(convolution(1, row, 0), 1);
    const double whole = 6.0 / 64;
    BOOST_TEST(double(integers.steps[0]) < 0.9 * whole);
    BOOST_TEST(squaredError(row, double(integers.steps[0])) < 0.9 * squaredError(row, whole));
}

BOOST_AUTO_TEST_CASE(a_bias_beside_tiny_weights_fits) {
    const Int8Convolution integers = int8Convolution(convolution(1, std::vector<float>(9, 1e-12f), -5), 0.01f);
    BOOST_TEST(std::abs(double(integers.bias[0]) * double(integers.biasSteps[0]) + 5) < 1e-5);
}

// A layer that has all but died out. Without a least step the bias would be 0 / 0, which no integer holds.
BOOST_AUTO_TEST_CASE(what_is_all_but_zero_becomes_zero) {
    BOOST_TEST(int8Map({-1e-41f, 1e-40f}).step == 1.f);
    const Int8Convolution tiny = int8Convolution(convolution(2, std::vector<float>(18, 1e-30f), 0), 1e-30f);
    BOOST_TEST(tiny.bias == std::vector<int32_t>(2, 0), boost::test_tools::per_element());
    const Int8Convolution none = int8Convolution(convolution(1, std::vector<float>(9, 1e-42f), 0.5f), 0.01f);
    BOOST_TEST(none.steps[0] == 1.f);
    BOOST_TEST(none.bias[0] == 50);
}

BOOST_AUTO_TEST_CASE(maps_become_int8_and_what_relu_absorbs_does_not) {
    DocumentBuilder build(19);
    const std::string stem = build.convNormRelu("image", 4, 3, 1, 1);           // layers 0, 1, 2
    const std::string pooled = build.pool("max_pool", stem, 2, 2, 0);           // 3
    const std::string sum = build.sum(build.conv(pooled, 4, 3, 1, 1), pooled);  // 4, 5
    const std::string last = build.unary("relu", sum);                          // 6
    const NetGraph graph = randomGraph(build.build({last}), {1}, HeadKind::Ridge, 4);
    std::vector<std::string> names;
    for (const int node : int8Nodes(graph)) names.push_back(graph.nodes[size_t(node)].name);
    const std::vector<std::string> expected = {"image/normalised", "layer2", "layer3", "layer4", "layer6"};
    BOOST_TEST(names == expected, boost::test_tools::per_element());

    const Quantisation integers = quantise(graph, someRanges(graph));
    const auto map = [&](const std::string& name) { return integers.maps[size_t(nodeNamed(graph, name))]; };
    BOOST_TEST(map("layer3").step == map("layer2").step);  // the pool keeps its input's map
    BOOST_TEST(map("layer3").zero == map("layer2").zero);
    BOOST_TEST(map("layer0").step == 0.f);
    BOOST_TEST(map("layer5").step == 0.f);
    BOOST_TEST(map("features").step == 0.f);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        BOOST_TEST(integers.convolutions[i].steps.size() == (graph.nodes[i].op == NetOp::Conv ? 4u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(a_range_that_is_not_finite_is_refused) {
    const NetGraph graph = randomGraph(everyOp(), {2}, HeadKind::Ridge, 4);
    std::vector<ActivationRange> ranges = someRanges(graph);
    ranges[0].high = std::numeric_limits<float>::infinity();
    BOOST_CHECK_EXCEPTION(quantise(graph, ranges), cv::Exception, [](const cv::Exception& error) {
        return error.err.find("\"image/normalised\"") != std::string::npos;
    });
}
