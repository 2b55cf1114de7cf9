// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE net
#include <boost/test/unit_test.hpp>

#include <set>

#include "plain_nets.hpp"
#include "sentence.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

// Folded weights are rounded to float once more, 6e-8 each; a net of ten layers stays far below this.
const double kTolerance = 1e-5;

std::string errorOf(const Architecture& architecture, const NetworkWeights& weights, const std::vector<int>& stages,
                    const Head& head) {
    return sentenceOf([&] { buildNet(architecture, weights, stages, head, {}); });
}

void compareWithArchitecture(const Architecture& architecture, const std::vector<int>& stages, HeadKind kind,
                             unsigned seed) {
    const NetworkWeights weights = randomWeights(architecture, seed);
    const Head head = randomHead(kind, 6, featureCount(architecture, stages), seed);
    const FeatureChoice choice(stages, Pooling(seed % 2));
    const NetGraph graph = buildNet(architecture, weights, choice, head, {});
    const Values image = valuesOf(randomBlob(1, architecture.size, seed), 0);
    const Outputs found = evaluateGraph(graph, image);
    const Outputs expected = evaluateArchitecture(architecture, weights, choice, head, image);
    BOOST_TEST(difference(found.features, expected.features) < kTolerance);
    BOOST_TEST(difference(found.logits, expected.logits) < kTolerance);
    BOOST_TEST(difference(found.familiarity, expected.familiarity) < kTolerance);
    BOOST_TEST(difference(found.probabilities, expected.probabilities) < kTolerance);
}

}  // namespace

BOOST_AUTO_TEST_CASE(folding_keeps_every_output) {
    for (const HeadKind kind : {HeadKind::Ridge, HeadKind::Cosine, HeadKind::Lda}) {
        const std::vector<std::vector<int>> choices = {{1}, {2}, {3}, {1, 3}, {2, 3}, {1, 2, 3}};
        for (const std::vector<int>& stages : choices) {
            for (const unsigned seed : {4u, 5u}) compareWithArchitecture(everyOp(), stages, kind, seed);
            compareWithArchitecture(depthwiseNet(), stages, kind, 6);
        }
    }
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Architecture architecture = randomArchitecture(seed);
        compareWithArchitecture(architecture, allStages(architecture), HeadKind(seed % 3), seed);
    }
}

// Mean and beta nearly cancel: in float the bias would lose its digits.
BOOST_AUTO_TEST_CASE(folding_is_done_in_double) {
    DocumentBuilder build(8);
    const Architecture architecture = build.build({build.unary("batch_norm", build.conv("image", 1, 1, 1, 0))});
    NetworkWeights weights = randomWeights(architecture, 1);
    weights[1].gamma = {3.f};
    weights[1].mean = {1000.125f};
    weights[1].variance = {1.f};
    const double gain = 3.0 / std::sqrt(1.0 + double(kBatchNormEpsilon));
    weights[1].beta = {float(1000.125 * gain)};
    const NetGraph graph = buildNet(architecture, weights, {1}, randomHead(HeadKind::Ridge, 2, 1, 1), {});
    const double expected = double(weights[1].beta[0]) - 1000.125 * gain;
    BOOST_TEST_REQUIRE(expected != 0);
    BOOST_TEST(std::abs(double(graph.nodes[1].bias[0]) - expected) < 1e-6 * std::abs(expected));
}

BOOST_AUTO_TEST_CASE(nodes_stand_in_topological_order_with_unique_names_and_true_shapes) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Architecture architecture = randomArchitecture(seed);
        const NetGraph graph = randomGraph(architecture, allStages(architecture), HeadKind::Cosine, seed);
        std::set<std::string> names;
        for (size_t i = 0; i < graph.nodes.size(); ++i) {
            const NetNode& node = graph.nodes[i];
            BOOST_TEST(names.insert(node.name).second, node.name << " stands twice");
            for (const int input : node.inputs) BOOST_TEST(input < int(i));
            if (i == 0) continue;
            const Shape in = graph.nodes[size_t(node.inputs[0])].shape;
            BOOST_TEST(in.channels == node.in.channels);
            BOOST_TEST(in.height == node.in.height);
            BOOST_TEST(in.width == node.in.width);
        }
        BOOST_TEST((graph.nodes[0].op == NetOp::Affine));
        BOOST_TEST(graph.nodes[0].inputs == std::vector<int>{kImageInput});
    }
}

BOOST_AUTO_TEST_CASE(outputs_have_their_names_and_metadata_go_along) {
    for (const std::vector<int>& stages : std::vector<std::vector<int>>{{1}, {1, 2, 3}}) {
        const NetGraph graph = randomGraph(everyOp(), stages, HeadKind::Ridge, 3);
        BOOST_TEST(graph.nodes.at(size_t(graph.features)).name == "features");
        BOOST_TEST(graph.nodes.at(size_t(graph.features)).shape.channels == featureCount(everyOp(), stages));
        BOOST_TEST(graph.nodes.at(size_t(graph.logits)).name == "logits");
        BOOST_TEST(graph.nodes.at(size_t(graph.familiarity)).name == "familiarity");
        BOOST_TEST(graph.nodes.at(size_t(graph.probabilities)).name == "probabilities");
        BOOST_TEST(graph.metadata.at("hyperpred.classes") == "[\"a\",\"b\"]");
        BOOST_TEST(graph.architecture == "small");
        BOOST_TEST(graph.size == 37);
    }
}

BOOST_AUTO_TEST_CASE(depthwise_convolutions_keep_their_groups) {
    const NetGraph graph = randomGraph(depthwiseNet(), {1, 2, 3}, HeadKind::Ridge, 3);
    int depthwise = 0;
    for (const NetNode& node : graph.nodes) {
        if (node.op != NetOp::Conv) continue;
        BOOST_TEST((node.groups == 1 || (node.groups == node.in.channels && node.groups == node.shape.channels)));
        const int row = node.in.channels / node.groups * node.kernel * node.kernel;
        BOOST_TEST(node.weight.size() == size_t(node.shape.channels * row));
        depthwise += node.groups > 1;
    }
    BOOST_TEST(depthwise == 9);
}

BOOST_AUTO_TEST_CASE(layers_behind_the_last_stage_stay_out) {
    const size_t whole = randomGraph(everyOp(), {3}, HeadKind::Ridge, 3).nodes.size();
    const size_t first = randomGraph(everyOp(), {1}, HeadKind::Ridge, 3).nodes.size();
    const size_t shorter = 7 + 4;  // second residual block without its batch-norms; average, conv, relu, add, pool
    BOOST_TEST(whole == first + shorter);
}

BOOST_AUTO_TEST_CASE(layers_with_the_names_of_outputs_step_aside) {
    const char* const document = R"({"name": "n", "input": {"size": 9, "channels": 3, "mean": [1, 2, 3],
        "std": [4, 5, 6]}, "layers": [
        {"name": "features", "op": "conv", "input": "image", "out": 3, "kernel": 3},
        {"name": "logits", "op": "relu", "input": "features"},
        {"name": "probabilities", "op": "max_pool", "input": "logits", "kernel": 2, "stride": 2},
        {"name": "_input", "op": "relu", "input": "probabilities"},
        {"name": "stage1", "op": "add", "inputs": ["_input", "probabilities"]}], "stages": ["features", "stage1"]})";
    const Architecture architecture = parseArchitecture(document, "names.json");
    const NetGraph graph = randomGraph(architecture, {1, 2}, HeadKind::Ridge, 1);
    std::set<std::string> names;
    for (const NetNode& node : graph.nodes) names.insert(node.name);
    BOOST_TEST(names.size() == graph.nodes.size());
    BOOST_TEST(names.count("_input") == 0u);
    BOOST_TEST(graph.nodes.at(size_t(graph.features)).name == "features");
    compareWithArchitecture(architecture, {1, 2}, HeadKind::Ridge, 1);
}

BOOST_AUTO_TEST_CASE(a_batch_norm_without_a_convolution_of_its_own_is_a_layer) {
    DocumentBuilder afterRelu(9);
    const std::string relu = afterRelu.unary("relu", afterRelu.conv("image", 3, 3, 1, 1));
    DocumentBuilder shared(9);
    const std::string conv = shared.conv("image", 3, 3, 1, 1);
    DocumentBuilder onImage(9);
    const std::string image = onImage.unary("batch_norm", "image");
    DocumentBuilder twice(9);
    const std::string norm = twice.unary("batch_norm", twice.conv("image", 5, 3, 1, 1));
    DocumentBuilder stage(9);  // the convolution's own output is a stage, so it must not be folded into
    const std::string pooled = stage.conv("image", 4, 3, 2, 1);
    compareWithArchitecture(afterRelu.build({afterRelu.unary("batch_norm", relu)}), {1}, HeadKind::Ridge, 1);
    compareWithArchitecture(shared.build({shared.sum(shared.unary("batch_norm", conv), conv)}), {1}, HeadKind::Lda, 2);
    compareWithArchitecture(onImage.build({onImage.conv(image, 3, 3, 1, 1)}), {1}, HeadKind::Cosine, 3);
    compareWithArchitecture(twice.build({twice.unary("batch_norm", norm)}), {1}, HeadKind::Ridge, 4);
    compareWithArchitecture(stage.build({pooled, stage.unary("batch_norm", pooled)}), {1, 2}, HeadKind::Ridge, 5);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
    const Architecture architecture = everyOp();
    const NetworkWeights weights = randomWeights(architecture, 1);
    const Head head = randomHead(HeadKind::Ridge, 2, 7, 1);  // stage 2 has 7 channels
    BOOST_TEST(errorOf(architecture, weights, {2}, head) == "");
    BOOST_TEST(holds(errorOf(architecture, weights, {1}, head), "expects 7 numbers of features, gets 5"));
    BOOST_TEST(holds(errorOf(architecture, weights, {}, head), "no stages"));
    BOOST_TEST(holds(errorOf(architecture, weights, {4}, head), "stage 4"));
    BOOST_TEST(holds(errorOf(architecture, weights, {2, 1}, head), "must ascend"));
    NetworkWeights cut = weights;
    cut[0].kernel.values.pop_back();
    BOOST_TEST(holds(errorOf(architecture, cut, {2}, head), "layer \"layer0\": expects 375 numbers of the kernel"));
    cut = weights;
    cut[1].variance.clear();
    BOOST_TEST(holds(errorOf(architecture, cut, {2}, head), "layer \"layer1\""));
    cut.pop_back();
    BOOST_TEST(holds(errorOf(architecture, cut, {2}, head), "node weights"));
    Head cutHead = head;
    cutHead.weight.pop_back();
    BOOST_TEST(holds(errorOf(architecture, weights, {2}, cutHead), "head ridge: expects 14 numbers"));
    cutHead = head;
    cutHead.bias.push_back(0);
    BOOST_TEST(holds(errorOf(architecture, weights, {2}, cutHead), "head ridge: expects 2 numbers of the bias"));
}
