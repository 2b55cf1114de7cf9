// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_EMITTED_NETS_HPP
#define HYPERPRED_TEST_EMITTED_NETS_HPP

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

#include "plain_nets.hpp"

// What holds for a cv::dnn::Net whether it was built directly or read from a file.

namespace cv {
namespace hyperpred {
namespace test {

const double kPlainTolerance = 1e-4;  // float sums of up to a few hundred terms against double
const double kBatchTolerance = 1e-5;  // the same sums, at most cut up otherwise

const std::vector<cv::String> kNames = {"logits", "features", "familiarity", "probabilities"};

inline std::vector<cv::Mat> forward(cv::dnn::Net& net, const cv::Mat& blob) {
    std::vector<cv::Mat> outs, copies;
    net.setInput(blob);
    net.forward(outs, kNames);
    for (const cv::Mat& out : outs) copies.push_back(out.clone());
    return copies;
}

// compare(graph, seed) for graphs of every kind of node and head, with one stage, with several, and with gaps.
template <class Compare>
void forEachGraph(const Compare& compare) {
    for (const HeadKind kind : {HeadKind::Ridge, HeadKind::Cosine, HeadKind::Lda}) {
        const std::vector<std::vector<int>> choices = {{1}, {3}, {1, 3}, {1, 2, 3}};
        for (const std::vector<int>& stages : choices) {
            compare(randomGraph(everyOp(), stages, kind, 11), 12u);
            compare(randomGraph(depthwiseNet(), stages, kind, 13), 14u);
        }
    }
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Architecture architecture = randomArchitecture(seed);
        compare(randomGraph(architecture, allStages(architecture), HeadKind(seed % 3), seed), seed);
    }
}

// An image gives the same alone as among 63 others.
template <class Emit>
void requireTheSameInAnyBatch(const Emit& emit) {
    const NetGraph graph = randomGraph(everyOp(), {2, 3}, HeadKind::Cosine, 21);
    cv::dnn::Net net = emit(graph);
    const cv::Mat blob = randomBlob(64, graph.size, 22);
    const std::vector<cv::Mat> all = forward(net, blob);
    const std::vector<int> imageShape = {1, 3, graph.size, graph.size};
    for (int i = 0; i < 64; i += 7) {
        const cv::Mat image(imageShape, CV_32F, const_cast<float*>(blob.ptr<float>(i)));
        const std::vector<cv::Mat> one = forward(net, image);
        for (size_t out = 0; out < kNames.size(); ++out) {
            BOOST_TEST_REQUIRE(one[out].size[0] == 1);
            BOOST_TEST(difference(valuesOf(one[out], 0), valuesOf(all[out], i)) < kBatchTolerance);
        }
    }
}

// The features of a black image may all be zero: a cosine head then says what its bias says.
template <class Emit>
void requireTheBiasOfNoFeatures(const Emit& emit) {
    DocumentBuilder build(9);
    const Architecture architecture = build.build({build.unary("relu", build.conv("image", 4, 3, 1, 0))});
    NetworkWeights weights = randomWeights(architecture, 1);
    std::fill(weights[0].kernel.values.begin(), weights[0].kernel.values.end(), 0.f);
    const Head head = randomHead(HeadKind::Cosine, 3, 4, 1);
    cv::dnn::Net net = emit(buildNet(architecture, weights, {1}, head, {}));
    const std::vector<cv::Mat> outs = forward(net, randomBlob(2, 9, 1));
    BOOST_TEST(difference(valuesOf(outs[0], 1), Values(head.bias.begin(), head.bias.end())) < 1e-6);
    BOOST_TEST(difference(valuesOf(outs[1], 1), Values(4, 0.0)) == 0);
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
