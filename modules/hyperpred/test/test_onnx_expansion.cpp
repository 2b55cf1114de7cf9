// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE onnx_expansion
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <opencv2/dnn.hpp>

#include "half.hpp"
#include "net_onnx.hpp"
#include "onnx_expansion.hpp"
#include "plain_nets.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kHalfTolerance = 1e-4;  // float sums against double
const double kInt8Tolerance = 0.01;  // a value between two integers may go to either
const double kNoticeable = 0.02;     // what leaving the rounding and cutting out would change

std::vector<uint8_t> expanded(const std::vector<uint8_t>& bytes) {
    // A copy of exact size on the heap: under AddressSanitizer reading one byte too far is found.
    return expandOnnx(std::vector<uint8_t>(bytes.begin(), bytes.end()), "a.onnx");
}

Values logitsOf(const std::vector<uint8_t>& bytes, const cv::Mat& blob, int image) {
    cv::dnn::Net net = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    net.setInput(blob);
    return valuesOf(net.forward("logits"), image);
}

// Ranges of half of what random images give: much is cut off, so that maps left in float would be noticed.
Quantisation coarse(const NetGraph& graph) {
    std::vector<ActivationRange> ranges(graph.nodes.size());
    for (int image = 0; image < 3; ++image) {
        const cv::Mat blob = randomBlob(1, graph.size, unsigned(image));
        const std::vector<Values> outputs = evaluateNodes(graph, valuesOf(blob, 0));
        for (size_t i = 0; i < outputs.size(); ++i) {
            for (const double value : outputs[i]) {
                ranges[i].low = std::min(ranges[i].low, float(value / 2));
                ranges[i].high = std::max(ranges[i].high, float(value / 2));
            }
        }
    }
    return quantise(graph, ranges);
}

// The integers' meaning by plain loops: weights and biases rounded, maps rounded and cut off.
Values plainLogits(NetGraph graph, const Quantisation& integers, const Values& image) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        NetNode& node = graph.nodes[i];
        const Int8Convolution& rows = integers.convolutions[i];
        for (size_t w = 0; w < rows.kernel.size(); ++w) {
            node.weight[w] = float(rows.kernel[w]) * rows.steps[w / (rows.kernel.size() / rows.steps.size())];
        }
        for (size_t o = 0; o < rows.bias.size(); ++o) node.bias[o] = float(rows.bias[o]) * rows.biasSteps[o];
        if (node.op == NetOp::Linear) {
            for (float& weight : node.weight) weight = halfToFloat(floatToHalf(weight));
        }
    }
    return evaluateNodes(graph, image, [&](size_t i, Values& values) {
        const Int8Map map = integers.maps[i];
        if (!(map.step > 0)) return;
        for (double& value : values) {
            const double q = std::min(255.0, std::max(0.0, std::nearbyint(value / double(map.step)) + map.zero));
            value = (q - map.zero) * double(map.step);
        }
    })[size_t(graph.logits)];
}

}  // namespace

BOOST_AUTO_TEST_CASE(half_weights_mean_what_they_are_rounded_to) {
    for (const HeadKind kind : {HeadKind::Ridge, HeadKind::Cosine}) {
        NetGraph graph = randomGraph(everyOp(), {1, 3}, kind, 11);
        const std::vector<uint8_t> bytes = emitOnnx(graph, OnnxFormat::Half);
        BOOST_TEST(bytes.size() < emitOnnx(graph).size());
        BOOST_TEST(readOnnxMetadata(bytes, "a.onnx").at(kOnnxFormatKey) == "onnx-fp16");
        for (NetNode& node : graph.nodes) {
            if (node.op != NetOp::Conv && node.op != NetOp::Linear) continue;
            for (float& weight : node.weight) weight = halfToFloat(floatToHalf(weight));
        }
        const cv::Mat blob = randomBlob(2, graph.size, 3);
        const Values plain = evaluateGraph(graph, valuesOf(blob, 1)).logits;
        BOOST_TEST(difference(logitsOf(expanded(bytes), blob, 1), plain) < kHalfTolerance);
    }
}

BOOST_AUTO_TEST_CASE(weights_beyond_half_stay_float) {
    NetGraph graph = randomGraph(everyOp(), {1}, HeadKind::Ridge, 11);
    NetNode& linear = graph.nodes[size_t(graph.logits)];
    linear.weight[3] = 1e6f;
    const cv::Mat blob = randomBlob(1, graph.size, 3);
    const Values logits = logitsOf(expanded(emitOnnx(graph, OnnxFormat::Half)), blob, 0);
    BOOST_TEST(difference(logits, evaluateGraph(graph, valuesOf(blob, 0)).logits) < 1e-2);
}

BOOST_AUTO_TEST_CASE(int8_files_compute_what_the_integers_mean) {
    std::vector<NetGraph> graphs = {randomGraph(everyOp(), {1, 2, 3}, HeadKind::Ridge, 11)};
    for (unsigned seed = 0; seed < 10; ++seed) {
        const Architecture architecture = randomArchitecture(seed);
        graphs.push_back(randomGraph(architecture, allStages(architecture), HeadKind(seed % 3), seed));
    }
    for (const NetGraph& graph : graphs) {
        const Quantisation integers = coarse(graph);
        const std::vector<uint8_t> bytes = emitOnnx(graph, OnnxFormat::Int8, integers);
        BOOST_TEST(readOnnxMetadata(bytes, "a.onnx").at(kOnnxFormatKey) == "onnx-int8");
        const cv::Mat blob = randomBlob(2, graph.size, 3);
        const Values plain = plainLogits(graph, integers, valuesOf(blob, 1));
        BOOST_TEST(difference(logitsOf(expanded(bytes), blob, 1), plain) < kInt8Tolerance);
        BOOST_TEST(difference(evaluateGraph(graph, valuesOf(blob, 1)).logits, plain) > kNoticeable);
    }
}

BOOST_AUTO_TEST_CASE(a_float_file_keeps_its_meaning) {
    const NetGraph graph = randomGraph(everyOp(), {2}, HeadKind::Cosine, 11);
    const std::vector<uint8_t> bytes = emitOnnx(graph);
    BOOST_TEST((expanded(bytes) == bytes));
}

// What emitOnnx never writes must not be computed as if it had: the result would be other weights.
BOOST_AUTO_TEST_CASE(shifted_weights_and_a_second_graph_are_refused) {
    DocumentBuilder build(9);
    const NetGraph graph =
        randomGraph(build.build({build.convNormRelu("image", 3, 1, 1, 0)}), {1}, HeadKind::Ridge, 5, 2);
    std::vector<uint8_t> bytes = emitOnnx(graph, OnnxFormat::Int8, coarse(graph));
    const auto sentence = [&] {
        try {
            expanded(bytes);
        } catch (const cv::Exception& error) {
            return error.err;
        }
        return std::string();
    };
    BOOST_TEST(sentence() == "");
    const std::string name = "/weight/zeros";  // followed by the field raw_data: its key, a length of 3, the bytes
    const auto at = std::search(bytes.begin(), bytes.end(), name.begin(), name.end()) + std::ptrdiff_t(name.size());
    BOOST_REQUIRE((at[1] == 3 && at[2] == 0));
    at[2] = 1;
    BOOST_TEST(sentence().find("/weight\": a zero point of weights is not 0") != std::string::npos, sentence());
    at[2] = 0;
    bytes.insert(bytes.end(), {7 << 3 | 2, 0});  // a graph without nodes
    BOOST_TEST(sentence().find("two graphs") != std::string::npos, sentence());
}

// The tools check the checksum before; fuzzers and crafted files come here all the same.
BOOST_AUTO_TEST_CASE(damage_is_an_error_or_a_file) {
    DocumentBuilder build(9);
    const NetGraph graph =
        randomGraph(build.build({build.convNormRelu("image", 3, 1, 1, 0)}), {1}, HeadKind::Ridge, 5, 2);
    for (const OnnxFormat format : {OnnxFormat::Half, OnnxFormat::Int8}) {
        std::vector<uint8_t> bytes = emitOnnx(graph, format, coarse(graph));
        int refused = 0;
        const auto attempt = [&](const std::vector<uint8_t>& damaged) {
            try {
                expanded(damaged);
            } catch (const cv::Exception& error) {
                ++refused;
                BOOST_TEST_REQUIRE(error.err.find("\"a.onnx\"") != std::string::npos, error.err);
            }
        };
        for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            bytes[bit / 8] ^= uint8_t(1u << (bit % 8));
            attempt(bytes);
            bytes[bit / 8] ^= uint8_t(1u << (bit % 8));
        }
        for (size_t size = 0; size < bytes.size(); ++size)
            attempt({bytes.begin(), bytes.begin() + std::ptrdiff_t(size)});
        BOOST_TEST(refused > 1000);
    }
}
