// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE net_opencv
#include <boost/test/unit_test.hpp>

#include "emitted_nets.hpp"
#include "net_opencv.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

void compareWithPlain(const NetGraph& graph, unsigned seed) {
    cv::dnn::Net net = emitOpenCV(graph);
    const cv::Mat blob = randomBlob(3, graph.size, seed);
    const std::vector<cv::Mat> outs = forward(net, blob);
    for (int i = 0; i < 3; ++i) {
        const Outputs expected = evaluateGraph(graph, valuesOf(blob, i));
        BOOST_TEST(difference(valuesOf(outs[0], i), expected.logits) < kPlainTolerance);
        BOOST_TEST(difference(valuesOf(outs[1], i), expected.features) < kPlainTolerance);
        BOOST_TEST(difference(valuesOf(outs[2], i), expected.familiarity) < kPlainTolerance);
        BOOST_TEST(difference(valuesOf(outs[3], i), expected.probabilities) < kPlainTolerance);
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(agrees_with_plain_loops) {
    forEachGraph(compareWithPlain);
}

BOOST_AUTO_TEST_CASE(an_image_gives_the_same_in_any_batch) {
    requireTheSameInAnyBatch(emitOpenCV);
}

BOOST_AUTO_TEST_CASE(outputs_are_matrices_and_forward_gives_the_logits) {
    for (const std::vector<int>& stages : std::vector<std::vector<int>>{{2}, {2, 3}}) {
        const NetGraph graph = randomGraph(everyOp(), stages, HeadKind::Ridge, 31, 9);
        cv::dnn::Net net = emitOpenCV(graph);
        const cv::Mat blob = randomBlob(5, graph.size, 32);
        const std::vector<cv::Mat> outs = forward(net, blob);
        const std::vector<int> columns = {9, featureCount(everyOp(), stages), 9, 9};
        for (size_t out = 0; out < outs.size(); ++out) {
            BOOST_TEST(outs[out].dims == 2);
            BOOST_TEST(outs[out].rows == 5);
            BOOST_TEST(outs[out].cols == columns[out]);
        }
        net.setInput(blob, "image");
        const cv::Mat logits = net.forward();
        for (int i = 0; i < 5; ++i) BOOST_TEST(valuesOf(logits, i) == valuesOf(outs[0], i));
        cv::Mat single;
        net.forward(single, "features");
        for (int i = 0; i < 5; ++i) BOOST_TEST(valuesOf(single, i) == valuesOf(outs[1], i));
    }
}

BOOST_AUTO_TEST_CASE(features_of_length_zero_give_the_bias) {
    requireTheBiasOfNoFeatures(emitOpenCV);
}

// Far below what Normalize's own epsilon of 1e-10 would tell apart from zero.
BOOST_AUTO_TEST_CASE(short_features_become_unit_length) {
    DocumentBuilder build(9);
    const Architecture architecture = build.build({build.unary("relu", build.conv("image", 4, 3, 1, 0))});
    NetworkWeights weights = randomWeights(architecture, 1);
    for (float& value : weights[0].kernel.values) value *= 1e-7f;
    const NetGraph graph = buildNet(architecture, weights, {1}, randomHead(HeadKind::Cosine, 3, 4, 1), {});
    compareWithPlain(graph, 1);
}

BOOST_AUTO_TEST_CASE(the_net_outlives_the_graph) {
    cv::dnn::Net net;
    const cv::Mat blob = randomBlob(1, 37, 42);
    Values expected;
    {
        NetGraph graph = randomGraph(everyOp(), {3}, HeadKind::Ridge, 41);
        net = emitOpenCV(graph);
        expected = evaluateGraph(graph, valuesOf(blob, 0)).logits;
        for (NetNode& node : graph.nodes) std::fill(node.weight.begin(), node.weight.end(), 0.f);
    }
    BOOST_TEST(difference(valuesOf(forward(net, blob)[0], 0), expected) < kPlainTolerance);
}
