// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_GENERATOR_DRAWS_HPP
#define HYPERPRED_TEST_GENERATOR_DRAWS_HPP

#include <string>
#include <utility>

#include "architecture.hpp"
#include "drawn_model.hpp"
#include "hypernetwork.hpp"

// Two odd networks and drawn tensors of all that their generators read.

namespace cv {
namespace hyperpred {
namespace test {

// A residual block with a shortcut, a pre-activation (batch_norm of an add), a convolution that two nodes read and one
// that no batch-norm follows.
const char* const kOddDocument = R"({"name": "odd",
    "input": {"size": 9, "channels": 3, "mean": [1, 2, 3], "std": [4, 5, 6]},
    "layers": [
        {"name": "stem", "op": "conv", "input": "image", "out": 5, "kernel": 3, "pad": 1},
        {"name": "stem.bn", "op": "batch_norm", "input": "stem"},
        {"name": "main", "op": "conv", "input": "stem.bn", "out": 7, "kernel": 5, "pad": 2},
        {"name": "main.bn", "op": "batch_norm", "input": "main"},
        {"name": "short", "op": "conv", "input": "stem.bn", "out": 7, "kernel": 1},
        {"name": "add", "op": "add", "inputs": ["main.bn", "short"]},
        {"name": "add.bn", "op": "batch_norm", "input": "add"},
        {"name": "two", "op": "conv", "input": "add.bn", "out": 9, "kernel": 3},
        {"name": "two.bn", "op": "batch_norm", "input": "two"},
        {"name": "two.relu", "op": "relu", "input": "two"},
        {"name": "join", "op": "add", "inputs": ["two.bn", "two.relu"]},
        {"name": "bare", "op": "conv", "input": "join", "out": 2, "kernel": 1}],
    "stages": ["add", "bare"]})";

struct Layer {
    const char* name;
    int64_t out, in, kernel;
};
const Layer kLayers[] = {{"stem", 5, 3, 3}, {"main", 7, 5, 5}, {"short", 7, 5, 1}, {"two", 9, 7, 3}, {"bare", 2, 9, 1}};

inline Architecture odd() {
    return parseArchitecture(kOddDocument, "odd");
}

inline HyperConfig configOf(const std::string& form) {
    HyperConfig config;
    config.form = form;
    config.width = 6;
    config.rank = 3;
    config.bottleneck = 2;
    config.tile = 4;
    config.tileHidden = 5;
    return config;
}

inline Tensors baseTensors() {
    Tensors tensors;
    for (const Layer& layer : kLayers) {
        add(tensors, "base." + std::string(layer.name) + ".weight", {layer.out, layer.in, layer.kernel, layer.kernel});
    }
    const std::pair<const char*, int64_t> norms[] = {{"stem.bn", 5}, {"main.bn", 7}, {"add.bn", 7}, {"two.bn", 9}};
    for (const auto& norm : norms) {
        add(tensors, "base." + std::string(norm.first) + ".gamma", {norm.second});
        add(tensors, "base." + std::string(norm.first) + ".beta", {norm.second});
    }
    return tensors;
}

inline Tensors residualTensors(const HyperConfig& config) {
    Tensors tensors = baseTensors();
    for (const Layer& layer : kLayers) {
        const std::string stem = "generator." + std::string(layer.name);
        const int64_t window = layer.kernel * layer.kernel;
        add(tensors, stem + ".film.weight", {2 * layer.out + layer.in, config.width});
        add(tensors, stem + ".film.bias", {2 * layer.out + layer.in});
        if (config.rank == 0) continue;
        add(tensors, stem + ".bottleneck.weight", {config.bottleneck, config.width});
        add(tensors, stem + ".out.weight", {config.rank * layer.out, config.bottleneck});
        add(tensors, stem + ".in.weight", {config.rank * layer.in * window, config.bottleneck});
        add(tensors, stem + ".in.bias", {config.rank * layer.in * window});
    }
    return tensors;
}

// Tiles of 4: 5 x 3 channels are 2 x 1 tiles, 7 x 5 are 2 x 2, 9 x 7 are 3 x 2, 2 x 9 are 1 x 3.
inline Tensors pureTensors(const HyperConfig& config) {
    Tensors tensors;
    const int64_t tiles[] = {2, 4, 4, 6, 3};
    for (size_t i = 0; i < 5; ++i) {
        const std::string stem = "generator." + std::string(kLayers[i].name);
        add(tensors, stem + ".film.weight", {2 * kLayers[i].out + kLayers[i].in, config.width});
        add(tensors, stem + ".film.bias", {2 * kLayers[i].out + kLayers[i].in});
        add(tensors, stem + ".tiles", {tiles[i], config.width});
    }
    for (const int64_t kernel : {1, 3, 5}) {
        const std::string stem = "tile." + std::to_string(kernel);
        add(tensors, stem + ".expand.weight", {config.tileHidden * kernel * kernel, config.width});
        add(tensors, stem + ".expand.bias", {config.tileHidden * kernel * kernel});
        add(tensors, stem + ".mix.weight", {config.tileHidden, config.tileHidden});
        add(tensors, stem + ".mix.bias", {config.tileHidden});
        add(tensors, stem + ".tile.weight", {16, config.tileHidden});
        add(tensors, stem + ".tile.bias", {16});
    }
    return tensors;
}

inline Tensors tensorsOf(const HyperConfig& config) {
    return config.form == "pure" ? pureTensors(config) : residualTensors(config);
}

// One depthwise layer of 19 channels. With tiles of 4 x 4 its kernels come from two of them, 16 channels and 3.
inline Architecture deepArchitecture() {
    return parseArchitecture(R"({"name": "deep", "input": {"size": 9, "channels": 3, "mean": [1, 2, 3],
        "std": [4, 5, 6]}, "layers": [
        {"name": "stem", "op": "conv", "input": "image", "out": 19, "kernel": 1},
        {"name": "deep", "op": "conv", "input": "stem", "out": 19, "kernel": 3, "pad": 1, "groups": 19},
        {"name": "deep.bn", "op": "batch_norm", "input": "deep"}], "stages": ["deep.bn"]})",
                             "deep");
}

inline Tensors deepTensors(const HyperConfig& config) {
    Tensors tensors;
    for (const Layer& layer : {Layer{"stem", 19, 3, 1}, Layer{"deep", 19, 1, 3}}) {
        const std::string stem = "generator." + std::string(layer.name), tile = "tile." + std::to_string(layer.kernel);
        const int64_t window = layer.kernel * layer.kernel, gains = layer.in == 1 ? window : layer.in;
        add(tensors, stem + ".film.weight", {2 * layer.out + gains, config.width});
        add(tensors, stem + ".film.bias", {2 * layer.out + gains});
        if (config.form == "pure") {
            add(tensors, stem + ".tiles", {layer.in == 1 ? 2 : 5, config.width});
            add(tensors, tile + ".expand.weight", {config.tileHidden * window, config.width});
            add(tensors, tile + ".expand.bias", {config.tileHidden * window});
            add(tensors, tile + ".mix.weight", {config.tileHidden, config.tileHidden});
            add(tensors, tile + ".mix.bias", {config.tileHidden});
            add(tensors, tile + ".tile.weight", {16, config.tileHidden});
            add(tensors, tile + ".tile.bias", {16});
            continue;
        }
        add(tensors, "base." + std::string(layer.name) + ".weight", {layer.out, layer.in, layer.kernel, layer.kernel});
        add(tensors, stem + ".bottleneck.weight", {config.bottleneck, config.width});
        add(tensors, stem + ".out.weight", {config.rank * layer.out, config.bottleneck});
        add(tensors, stem + ".in.weight", {config.rank * layer.in * window, config.bottleneck});
        add(tensors, stem + ".in.bias", {config.rank * layer.in * window});
    }
    if (config.form == "residual") add(tensors, "base.deep.bn.gamma", {19});
    if (config.form == "residual") add(tensors, "base.deep.bn.beta", {19});
    return tensors;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
