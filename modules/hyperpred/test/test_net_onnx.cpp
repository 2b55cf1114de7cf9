// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE net_onnx
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <opencv2/dnn.hpp>
#include <set>

#include "emitted_nets.hpp"
#include "net_onnx.hpp"
#include "net_opencv.hpp"
#include "protobuf_reader.hpp"
#include "protobuf_writer.hpp"
#include "sentence.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kEmitterTolerance = 1e-5;  // the same float sums by the same library, fused or not

cv::dnn::Net readBack(const NetGraph& graph) {
    const std::vector<uint8_t> bytes = emitOnnx(graph);
    return cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void compareEmitters(const NetGraph& graph, unsigned seed) {
    cv::dnn::Net built = emitOpenCV(graph), read = readBack(graph);
    const cv::Mat blob = randomBlob(3, graph.size, seed);
    const std::vector<cv::Mat> expected = forward(built, blob), found = forward(read, blob);
    for (size_t out = 0; out < kNames.size(); ++out) {
        BOOST_TEST(found[out].dims == 2);
        BOOST_TEST_REQUIRE(found[out].size[0] == 3);
        for (int i = 0; i < 3; ++i) {
            BOOST_TEST(difference(valuesOf(found[out], i), valuesOf(expected[out], i)) < kEmitterTolerance);
        }
    }
    const Outputs plain = evaluateGraph(graph, valuesOf(blob, 1));
    BOOST_TEST(difference(valuesOf(found[0], 1), plain.logits) < kPlainTolerance);
    BOOST_TEST(difference(valuesOf(found[1], 1), plain.features) < kPlainTolerance);
    BOOST_TEST(difference(valuesOf(found[2], 1), plain.familiarity) < kPlainTolerance);
}

// Small enough that every bit can be flipped.
NetGraph tinyGraph() {
    DocumentBuilder build(9);
    const Architecture architecture = build.build({build.convNormRelu("image", 3, 1, 1, 0)});
    return randomGraph(architecture, {1}, HeadKind::Cosine, 51, 2);
}

// The file's metadata, or the error instead.
struct Reading {
    std::map<std::string, std::string> metadata;
    std::string error;
};
Reading readingOf(const std::vector<uint8_t>& bytes) {
    // A copy of exact size on the heap: under AddressSanitizer reading one byte too far is found.
    const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
    Reading reading;
    try {
        reading.metadata = readOnnxMetadata(exact, "a.onnx");
    } catch (const cv::Exception& error) {
        reading.error = error.what();
        BOOST_TEST(reading.error.find("ONNX file \"a.onnx\"") != std::string::npos, "no origin: " << reading.error);
    }
    return reading;
}

// The contents of every field `number` of a message.
std::vector<std::string> fieldsOf(const std::string& message, uint32_t number) {
    std::vector<std::string> contents;
    ProtobufReader reader(reinterpret_cast<const uint8_t*>(message.data()), message.size(), "message");
    for (ProtobufField field; reader.next(field);) {
        if (field.number == number) contents.push_back(field.isBytes ? field.text() : std::to_string(field.value));
    }
    return contents;
}

// A model of another producer, with one metadata entry.
std::vector<uint8_t> foreignModel(const std::string& key, const std::string& value, const std::string& producer) {
    return writeProtobuf([&](ProtobufWriter& writer) {
        writer.integer(1, 8);
        writer.text(2, producer);
        writer.begin(7);
        writer.text(2, "graph");
        writer.end();
        writer.begin(14);
        writer.text(1, key);
        writer.text(2, value);
        writer.end();
    });
}

}  // namespace

BOOST_AUTO_TEST_CASE(read_back_it_agrees_with_the_net_built_directly) {
    forEachGraph(compareEmitters);
}

BOOST_AUTO_TEST_CASE(an_image_gives_the_same_in_any_batch) {
    requireTheSameInAnyBatch(readBack);
}

// OpenCV 4 gives the last output of the file, OpenCV 5 the first.
BOOST_AUTO_TEST_CASE(forward_without_a_name_gives_probabilities_or_logits) {
    const NetGraph graph = randomGraph(everyOp(), {2, 3}, HeadKind::Ridge, 31);
    cv::dnn::Net net = readBack(graph);
    const cv::Mat blob = randomBlob(2, graph.size, 32);
    const std::vector<cv::Mat> outs = forward(net, blob);
    net.setInput(blob);
    const cv::Mat unnamed = net.forward();
    for (int i = 0; i < 2; ++i) {
        const Values values = valuesOf(unnamed, i);
        BOOST_TEST((values == valuesOf(outs[0], i) || values == valuesOf(outs[3], i)));
    }
}

BOOST_AUTO_TEST_CASE(features_of_length_zero_give_the_bias) {
    requireTheBiasOfNoFeatures(readBack);
}

BOOST_AUTO_TEST_CASE(layers_with_the_names_of_outputs_step_aside) {
    const char* const document = R"({"name": "n", "input": {"size": 9, "channels": 3, "mean": [1, 2, 3],
        "std": [4, 5, 6]}, "layers": [
        {"name": "features", "op": "conv", "input": "image", "out": 3, "kernel": 3},
        {"name": "logits", "op": "relu", "input": "features"},
        {"name": "probabilities", "op": "max_pool", "input": "logits", "kernel": 2, "stride": 2},
        {"name": "_input", "op": "relu", "input": "probabilities"},
        {"name": "features.weight", "op": "add", "inputs": ["_input", "probabilities"]}],
        "stages": ["features", "features.weight"]})";
    const Architecture architecture = parseArchitecture(document, "names.json");
    compareEmitters(randomGraph(architecture, {1, 2}, HeadKind::Cosine, 1), 2);
}

BOOST_AUTO_TEST_CASE(the_same_graph_gives_the_same_bytes) {
    const std::vector<uint8_t> bytes = emitOnnx(randomGraph(everyOp(), {1, 2, 3}, HeadKind::Cosine, 41));
    BOOST_TEST((bytes == emitOnnx(randomGraph(everyOp(), {1, 2, 3}, HeadKind::Cosine, 41))));
    BOOST_TEST((bytes != emitOnnx(randomGraph(everyOp(), {1, 2, 3}, HeadKind::Cosine, 42))));
}

BOOST_AUTO_TEST_CASE(a_head_on_the_body_of_a_file_gives_the_file_again) {
    DocumentBuilder build(9);
    const std::string first = build.convNormRelu("image", 5, 3, 2, 1);
    const Architecture architecture = build.build({first, build.convNormRelu(first, 7, 3, 1, 1)});
    for (const HeadKind kind : {HeadKind::Ridge, HeadKind::Cosine, HeadKind::Lda}) {
        for (const std::vector<int>& stages : {std::vector<int>{2}, std::vector<int>{1, 2}}) {
            for (const Pooling pooling : {Pooling::Rms, Pooling::Mean}) {
                const Head head = randomHead(kind, 4, featureCount(architecture, stages), 12);
                const std::map<std::string, std::string> metadata = {{"hyperpred.classes", "[]"}, {"other", "x"}};
                const NetGraph whole = buildNet(architecture, randomWeights(architecture, 13),
                                                FeatureChoice(stages, pooling), head, metadata);
                const NetGraph end = buildHead(architecture.name, architecture.size, head, metadata);
                const std::vector<ActivationRange> ranges(whole.nodes.size(), ActivationRange{-1, 2});
                for (const OnnxFormat format : {OnnxFormat::Float, OnnxFormat::Half, OnnxFormat::Int8}) {
                    const std::vector<uint8_t> bytes = emitOnnx(whole, format, quantise(whole, ranges));
                    const std::vector<uint8_t> body = onnxBody(bytes, "net.onnx");
                    BOOST_TEST((emitOnnx(end, format, {}, body) == bytes));
                    BOOST_TEST(onnxChecksum(bytes) == readOnnxMetadata(bytes, "net.onnx").at("hyperpred.checksum"));
                }
            }
        }
    }
    const std::vector<uint8_t> foreign = writeProtobuf([](ProtobufWriter& out) {
        out.integer(1, 7);
        out.begin(7);
        out.text(2, "g");
        out.end();
    });
    BOOST_CHECK_THROW(onnxBody(foreign, "net.onnx"), cv::Exception);
}

// What OpenCV overlooks: readers that take the declared shapes seriously.
BOOST_AUTO_TEST_CASE(input_and_outputs_are_declared_for_any_batch) {
    const std::vector<uint8_t> bytes = emitOnnx(randomGraph(everyOp(), {1, 2}, HeadKind::Cosine, 41, 9));
    const std::string model(bytes.begin(), bytes.end());
    BOOST_TEST(fieldsOf(fieldsOf(model, 8).at(0), 2).at(0) == "13");  // opset_import.version
    const std::string graph = fieldsOf(model, 7).at(0);
    std::vector<std::string> found;
    for (const uint32_t kind : {11u, 12u}) {  // input, output
        for (const std::string& value : fieldsOf(graph, kind)) {
            const std::string tensor = fieldsOf(fieldsOf(value, 2).at(0), 1).at(0);
            BOOST_TEST(fieldsOf(tensor, 1).at(0) == "1");  // elem_type float
            std::string text = fieldsOf(value, 1).at(0);
            for (const std::string& dim : fieldsOf(fieldsOf(tensor, 2).at(0), 1)) {
                text += fieldsOf(dim, 2).empty() ? " " + fieldsOf(dim, 1).at(0) : " " + fieldsOf(dim, 2)[0];
            }
            found.push_back(text);
        }
    }
    const std::vector<std::string> expected = {"image N 3 37 37", "logits N 9", "features N 12", "familiarity N 9",
                                               "probabilities N 9"};
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

// OpenCV makes one layer of the nodes that divide by the length, whatever the least length is; others compute it.
BOOST_AUTO_TEST_CASE(the_least_length_of_features_is_in_the_file) {
    const std::vector<uint8_t> bytes = emitOnnx(randomGraph(everyOp(), {1}, HeadKind::Cosine, 41));
    const std::string graph = fieldsOf(std::string(bytes.begin(), bytes.end()), 7).at(0);
    int found = 0;
    for (const std::string& initializer : fieldsOf(graph, 5)) {
        if (fieldsOf(initializer, 8).at(0) != "features/unit/norm/least") continue;
        float least = 0;
        const std::string raw = fieldsOf(initializer, 9).at(0);
        BOOST_TEST_REQUIRE(raw.size() == sizeof least);
        std::memcpy(&least, raw.data(), sizeof least);
        BOOST_TEST(least == float(kLeastFeatureNorm));
        BOOST_TEST(fieldsOf(initializer, 1).empty());  // dims: a scalar
        ++found;
    }
    BOOST_TEST(found == 1);
}

// OpenCV sees it from the shape of the kernel; others read the attribute, and its default is 1.
BOOST_AUTO_TEST_CASE(depthwise_convolutions_have_the_attribute_group) {
    const NetGraph network = randomGraph(depthwiseNet(), {1, 2, 3}, HeadKind::Ridge, 41);
    const std::vector<uint8_t> bytes = emitOnnx(network);
    const std::string graph = fieldsOf(std::string(bytes.begin(), bytes.end()), 7).at(0);
    std::map<std::string, std::string> found, expected;
    for (const std::string& node : fieldsOf(graph, 1)) {
        if (fieldsOf(node, 4).at(0) != "Conv") continue;
        std::string& groups = found[fieldsOf(node, 2).at(0)];
        for (const std::string& attribute : fieldsOf(node, 5)) {
            if (fieldsOf(attribute, 1).at(0) == "group") groups = fieldsOf(attribute, 3).at(0);
        }
    }
    for (const NetNode& node : network.nodes) {
        if (node.op != NetOp::Conv) continue;
        expected[node.name] = node.groups == 1 ? "" : std::to_string(node.shape.channels);
    }
    BOOST_TEST((found == expected));
}

// In any order, but each node behind those it reads: the rule of the format.
BOOST_AUTO_TEST_CASE(nodes_stand_behind_their_inputs) {
    const std::vector<uint8_t> bytes = emitOnnx(randomGraph(everyOp(), {1, 2, 3}, HeadKind::Cosine, 41));
    const std::string graph = fieldsOf(std::string(bytes.begin(), bytes.end()), 7).at(0);
    std::set<std::string> known = {"image", ""};
    for (const std::string& initializer : fieldsOf(graph, 5)) {
        BOOST_TEST(known.insert(fieldsOf(initializer, 8).at(0)).second);
    }
    for (const std::string& node : fieldsOf(graph, 1)) {
        for (const std::string& input : fieldsOf(node, 1)) BOOST_TEST(known.count(input) == 1u, input << " is unknown");
        BOOST_TEST(known.insert(fieldsOf(node, 2).at(0)).second);
    }
}

BOOST_AUTO_TEST_CASE(metadata_come_back_with_the_checksum) {
    NetGraph graph = tinyGraph();
    graph.metadata["hyperpred.classes"] = "[\"\xc3\xa9t\xc3\xa9\", \"\xe7\x8c\xab\"]";
    graph.metadata["long"] = std::string(100000, 'x');
    graph.metadata["hyperpred.checksum"] = "replaced";
    const Reading reading = readingOf(emitOnnx(graph));
    BOOST_TEST(reading.error == "");
    BOOST_TEST_REQUIRE(reading.metadata.size() == graph.metadata.size());
    BOOST_TEST(reading.metadata.at("hyperpred.checksum").size() == 16u);
    for (const auto& item : graph.metadata) {
        if (item.first != "hyperpred.checksum") BOOST_TEST(reading.metadata.at(item.first) == item.second);
    }
    graph.metadata.clear();
    BOOST_TEST(readingOf(emitOnnx(graph)).metadata.size() == 1u);
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
    const std::vector<uint8_t> bytes = emitOnnx(tinyGraph());
    for (size_t size = 0; size < bytes.size(); ++size) {
        const Reading reading = readingOf(std::vector<uint8_t>(bytes.begin(), bytes.begin() + std::ptrdiff_t(size)));
        BOOST_TEST(reading.error != "", "cut at " << size);
    }
    std::vector<uint8_t> longer = bytes;
    longer.push_back(0);
    BOOST_TEST(readingOf(longer).error != "");
}

BOOST_AUTO_TEST_CASE(every_bit_flip_is_refused) {
    NetGraph named = tinyGraph(), bare = tinyGraph();
    bare.metadata.clear();
    for (const NetGraph& graph : {named, bare}) {
        std::vector<uint8_t> bytes = emitOnnx(graph);
        for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            bytes[bit / 8] ^= uint8_t(1u << (bit % 8));
            const Reading reading = readingOf(bytes);
            BOOST_TEST(reading.error != "", "bit " << bit);
            bytes[bit / 8] ^= uint8_t(1u << (bit % 8));
        }
        BOOST_TEST(readingOf(bytes).error == "");
    }
}

BOOST_AUTO_TEST_CASE(files_of_others_are_read_without_a_checksum) {
    BOOST_TEST(readingOf(foreignModel("author", "someone", "other")).metadata.at("author") == "someone");
    BOOST_TEST(holds(readingOf(foreignModel("author", "x", "hyperpred")).error, "checksum"));
    BOOST_TEST(holds(readingOf(foreignModel("hyperpred.classes", "x", "other")).error, "checksum"));
    for (const size_t digits : {0, 1, 15, 17, 32}) {
        const std::string checksum(digits, '0');
        const std::string error = readingOf(foreignModel("hyperpred.checksum", checksum, "other")).error;
        BOOST_TEST(holds(error, "has " + std::to_string(digits) + " digits"), error);
    }
    const std::string zeros(16, '0');
    BOOST_TEST(holds(readingOf(foreignModel("hyperpred.checksum", zeros, "other")).error, "is damaged"));
}

BOOST_AUTO_TEST_CASE(what_is_no_onnx_is_refused) {
    const auto errorOf = [](const std::string& text) {
        return readingOf(std::vector<uint8_t>(text.begin(), text.end())).error;
    };
    BOOST_TEST(holds(errorOf(""), "is no ONNX model"));
    BOOST_TEST(errorOf("{\"name\": \"resnet18\"}") != "");
    BOOST_TEST(errorOf("\xff\xd8\xff\xe0\x10JFIF") != "");
    BOOST_TEST(holds(errorOf(std::string("\x08\x07", 2)), "no graph"));
    BOOST_TEST(holds(errorOf(std::string("\x3a\x00", 2)), "no ir_version"));
    std::vector<uint8_t> twice = foreignModel("a", "b", "other");
    const std::vector<uint8_t> entry = {0x72, 6, 0x0a, 1, 'a', 0x12, 1, 'c'};
    twice.insert(twice.end(), entry.begin(), entry.end());
    BOOST_TEST(holds(readingOf(twice).error, "stands twice"));
    std::vector<uint8_t> keyless = foreignModel("a", "b", "other");
    keyless.insert(keyless.end(), {0x72, 3, 0x12, 1, 'c'});
    BOOST_TEST(holds(readingOf(keyless).error, "no key or no value"));
}
