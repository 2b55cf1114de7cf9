// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE activation_ranges
#include <boost/test/unit_test.hpp>

#include "activation_ranges.hpp"
#include "plain_nets.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kTolerance = 1e-4;  // float sums against double, of the greatest value

struct RandomImages {
    RandomImages(int count, int edge, unsigned seed) {
        std::mt19937 draw(seed);
        pixels.resize(size_t(count) * size_t(edge) * size_t(edge) * 3);
        for (uint8_t& value : pixels) value = uint8_t(draw());
        batch.pixels = pixels.data();
        batch.count = count;
        batch.size = edge;
    }
    // RGB planes of one image, as a net reads them.
    Values planes(int image) const {
        const size_t plane = size_t(batch.size) * size_t(batch.size);
        Values values;
        for (size_t channel = 3; channel-- > 0;) {
            for (size_t i = 0; i < plane; ++i) {
                values.push_back(double(pixels[(size_t(image) * plane + i) * 3 + channel]));
            }
        }
        return values;
    }
    std::vector<uint8_t> pixels;
    ImageBatch batch;
};

}  // namespace

// 19 images: more than one batch, the second not full.
BOOST_AUTO_TEST_CASE(least_and_greatest_are_those_of_plain_loops) {
    const NetGraph graph = randomGraph(everyOp(), {1, 2}, HeadKind::Ridge, 8);
    const RandomImages images(19, graph.size, 9);
    const std::vector<int> nodes = int8Nodes(graph);
    double last = 0;
    const std::vector<ActivationRange> found = activationRanges(graph, nodes, images.batch, [&](double done) {
        BOOST_TEST(done >= last);
        last = done;
    });
    BOOST_TEST(last > 0.5);
    std::vector<ActivationRange> expected(graph.nodes.size());
    for (int image = 0; image < images.batch.count; ++image) {
        const std::vector<Values> outputs = evaluateNodes(graph, images.planes(image));
        for (const int node : nodes) {
            for (const double value : outputs[size_t(node)]) {
                expected[size_t(node)].low = std::min(expected[size_t(node)].low, float(value));
                expected[size_t(node)].high = std::max(expected[size_t(node)].high, float(value));
            }
        }
    }
    for (size_t i = 0; i < expected.size(); ++i) {
        const double scale = double(expected[i].high - expected[i].low) + 1e-9;
        BOOST_TEST(std::abs(double(found[i].low - expected[i].low)) <= kTolerance * scale, "node " << i);
        BOOST_TEST(std::abs(double(found[i].high - expected[i].high)) <= kTolerance * scale, "node " << i);
    }
}
