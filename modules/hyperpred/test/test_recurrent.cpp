// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE recurrent
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "backend.hpp"
#include "drawn_model.hpp"
#include "hypernetwork.hpp"
#include "recurrent.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kTolerance = 1e-7;  // one float rounding of numbers up to 1

// Odd channel counts, an odd edge, a stem of 5 x 5, a shortcut, and a convolution that reads the image beside the stem.
const char* const kDocument = R"({"name": "odd",
    "input": {"size": 27, "channels": 3, "mean": [1, 2, 3], "std": [4, 5, 6]},
    "layers": [
        {"name": "stem", "op": "conv", "input": "image", "out": 7, "kernel": 5, "stride": 2, "pad": 2},
        {"name": "bn", "op": "batch_norm", "input": "stem"},
        {"name": "same", "op": "conv", "input": "bn", "out": 7, "kernel": 3, "stride": 1, "pad": 1},
        {"name": "down", "op": "conv", "input": "same", "out": 11, "kernel": 3, "stride": 2, "pad": 1},
        {"name": "short", "op": "conv", "input": "same", "out": 11, "kernel": 1, "stride": 2},
        {"name": "add", "op": "add", "inputs": ["down", "short"]},
        {"name": "side", "op": "conv", "input": "image", "out": 5, "kernel": 7, "stride": 4, "pad": 3}],
    "stages": ["add", "side"]})";

Architecture odd() {
    return parseArchitecture(kDocument, "odd");
}

void describes(const Architecture& architecture, int layer, const std::vector<double>& expected) {
    const std::vector<float> description = describeLayer(architecture, layer);
    BOOST_REQUIRE_EQUAL(description.size(), size_t(kDescriptionSize));
    BOOST_REQUIRE_EQUAL(expected.size(), size_t(kDescriptionSize));
    for (size_t i = 0; i < expected.size(); ++i) {
        BOOST_TEST(std::abs(double(description[i]) - expected[i]) <= kTolerance,
                   "layer " << layer << ", number " << i << ": " << description[i] << ", expected " << expected[i]);
    }
}

Tensors recurrentTensors(const HyperConfig& config) {
    Tensors tensors;
    const int64_t d = config.width, e = config.embedding;
    add(tensors, "recurrent.embed.weight", {e, 10});
    add(tensors, "recurrent.embed.bias", {e});
    for (int cell = 0; cell < config.layers; ++cell) {
        const std::string stem = "recurrent.cell" + std::to_string(cell);
        add(tensors, stem + ".input.weight", {3 * d, cell == 0 ? e + d : d});
        add(tensors, stem + ".input.bias", {3 * d});
        add(tensors, stem + ".hidden.weight", {3 * d, d});
        add(tensors, stem + ".hidden.bias", {3 * d});
    }
    add(tensors, "recurrent.norm.weight", {d});
    add(tensors, "recurrent.norm.bias", {d});
    return tensors;
}

HyperConfig configOf(int layers) {
    HyperConfig config;
    config.width = 11;
    config.embedding = 5;
    config.layers = layers;
    config.sketchMix = 0.375f;
    return config;
}

}  // namespace

// Channels in: those under one output channel.
BOOST_AUTO_TEST_CASE(a_depthwise_layer_is_told_by_its_single_input) {
    const Architecture architecture = parseArchitecture(R"({"name": "deep",
        "input": {"size": 16, "channels": 3, "mean": [1, 2, 3], "std": [4, 5, 6]},
        "layers": [{"name": "stem", "op": "conv", "input": "image", "out": 32, "kernel": 1},
                   {"name": "deep", "op": "conv", "input": "stem", "out": 32, "kernel": 7, "stride": 2, "pad": 3,
                    "groups": 32}], "stages": ["deep"]})",
                                                        "deep");
    describes(architecture, 1, {0, 0, 1, 1, 0, 0.5, 0.5, 0.5, 1, 1});
}

// 27 pixels -> 14 -> 14 -> 7; the side branch 27 -> 7.
BOOST_AUTO_TEST_CASE(descriptions_agree_with_a_pencil_calculation) {
    const Architecture architecture = odd();
    const double in3 = std::log2(3.0) / 10, c5 = std::log2(5.0) / 10, c7 = std::log2(7.0) / 10,
                 c11 = std::log2(11.0) / 10, e14 = std::log2(14.0) / 6, e7 = std::log2(7.0) / 6;
    describes(architecture, 0, {1, 0, 5.0 / 7, 1, in3, c7, e14, 0.0 / 5, 1, 1});
    describes(architecture, 1, {0, 0, 3.0 / 7, 0, c7, c7, e14, 1.0 / 5, 0, 1});
    describes(architecture, 2, {0, 0, 3.0 / 7, 1, c7, c11, e7, 2.0 / 5, 1, 1});
    describes(architecture, 3, {0, 1, 1.0 / 7, 1, c7, c11, e7, 3.0 / 5, 0, 1});
    describes(architecture, 4, {1, 0, 1, 2, in3, c5, e7, 4.0 / 5, 0, 1});
}

BOOST_AUTO_TEST_CASE(shipped_architectures_have_bounded_and_distinct_descriptions) {
    for (const char* name : {"resnet18", "resnet18_cifar", "resnet34"}) {
        const Architecture architecture =
            loadArchitecture(std::string(HYPERPRED_DATA_DIR) + "/architectures/" + name + ".json");
        const int layers = int(predictedLayers(architecture).size());
        std::vector<float> before;
        for (int layer = 0; layer < layers; ++layer) {
            const std::vector<float> description = describeLayer(architecture, layer);
            BOOST_TEST((description != before), "layer " << layer << " of " << name << " equals the one before");
            for (const float value : description) BOOST_TEST((value >= 0.f && value <= 3.f));
            before = description;
        }
    }
}

BOOST_AUTO_TEST_CASE(a_layer_that_does_not_exist_is_refused) {
    BOOST_CHECK_THROW(describeLayer(odd(), 5), std::exception);
    BOOST_CHECK_THROW(describeLayer(odd(), -1), std::exception);
}

BOOST_AUTO_TEST_CASE(reading_takes_each_tensor_to_its_place) {
    const Architecture architecture = odd();
    for (int layers = 1; layers <= 2; ++layers) {
        const HyperConfig config = configOf(layers);
        const Tensors tensors = recurrentTensors(config);
        const RecurrentParameters p = readRecurrent(inMemory(tensors), config, architecture);
        BOOST_TEST(p.width == 11);
        BOOST_TEST(p.sketchMix == 0.375f);
        BOOST_TEST((p.embedWeight.values == tensors.at("recurrent.embed.weight").values));
        BOOST_TEST((p.embedBias.values == tensors.at("recurrent.embed.bias").values));
        BOOST_TEST((p.normWeight.values == tensors.at("recurrent.norm.weight").values));
        BOOST_TEST((p.normBias.values == tensors.at("recurrent.norm.bias").values));
        BOOST_REQUIRE_EQUAL(p.cells.size(), size_t(layers));
        for (int cell = 0; cell < layers; ++cell) {
            const std::string stem = "recurrent.cell" + std::to_string(cell);
            const RecurrentParameters::Cell& read = p.cells[size_t(cell)];
            BOOST_TEST((read.inputWeight.values == tensors.at(stem + ".input.weight").values));
            BOOST_TEST((read.inputBias.values == tensors.at(stem + ".input.bias").values));
            BOOST_TEST((read.hiddenWeight.values == tensors.at(stem + ".hidden.weight").values));
            BOOST_TEST((read.hiddenBias.values == tensors.at(stem + ".hidden.bias").values));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_table_of_descriptions_has_one_row_a_layer) {
    const Architecture architecture = odd();
    const HyperConfig config = configOf(1);
    const RecurrentParameters p = readRecurrent(inMemory(recurrentTensors(config)), config, architecture);
    BOOST_TEST((p.descriptions.shape == std::vector<int64_t>{5, kDescriptionSize}));
    BOOST_REQUIRE_EQUAL(p.descriptions.values.size(), size_t(5 * kDescriptionSize));
    for (int layer = 0; layer < 5; ++layer) {
        const std::vector<float> row(p.descriptions.values.begin() + layer * kDescriptionSize,
                                     p.descriptions.values.begin() + (layer + 1) * kDescriptionSize);
        BOOST_TEST((row == describeLayer(architecture, layer)));
    }
}

BOOST_AUTO_TEST_CASE(a_wrong_shape_is_refused_with_the_name_of_the_tensor) {
    const HyperConfig config = configOf(2);
    for (const auto& item : recurrentTensors(config)) {
        Tensors wrong = recurrentTensors(config);
        Tensor& tensor = wrong[item.first];
        tensor.shape.insert(tensor.shape.begin(), 1);
        const std::string sentence = sentenceOf([&] { readRecurrent(inMemory(wrong), config, odd()); });
        BOOST_TEST(sentence.find("\"" + item.first + "\"") != std::string::npos, sentence);
    }
}

// Without weights both gates are one half and the candidate is 0, so that each step halves the hidden state.
BOOST_AUTO_TEST_CASE(a_cell_without_weights_halves_its_state) {
    for (int layers = 1; layers <= 2; ++layers) {
        auto hyper = std::make_shared<HyperNetwork>();
        hyper->architecture = odd();
        hyper->config = configOf(layers);
        Tensors tensors = recurrentTensors(hyper->config);
        for (auto& item : tensors) {
            if (item.first.find(".cell") == std::string::npos) continue;
            std::fill(item.second.values.begin(), item.second.values.end(), 0.f);
        }
        hyper->recurrent = readRecurrent(inMemory(tensors), hyper->config, hyper->architecture);
        const std::vector<float> sketch = drawn("sketch", {11}, 2.f).values;
        const std::vector<float> codes = createBackend("reference", hyper)->unroll(sketch);
        BOOST_REQUIRE_EQUAL(codes.size(), size_t(5 * 11));
        double mean = 0, square = 0;
        for (const float value : sketch) mean += double(value) / 11, square += double(value) * double(value) / 11;
        for (size_t layer = 0; layer < 5; ++layer) {
            const double share = std::pow(0.5, double(layer + 1)) + 0.375;  // of the sketch in the hidden state
            const double deviation = std::sqrt(share * share * (square - mean * mean) + 1e-5);
            for (size_t i = 0; i < 11; ++i) {
                const double expected = share * (double(sketch[i]) - mean) / deviation *
                                            double(tensors.at("recurrent.norm.weight").values[i]) +
                                        double(tensors.at("recurrent.norm.bias").values[i]);
                BOOST_TEST(std::abs(double(codes[layer * 11 + i]) - expected) <= 1e-6, "layer " << layer);
            }
        }
    }
}
