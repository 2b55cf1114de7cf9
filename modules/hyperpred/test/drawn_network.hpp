// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_DRAWN_NETWORK_HPP
#define HYPERPRED_TEST_DRAWN_NETWORK_HPP

#include <cmath>
#include <string>

#include "architecture.hpp"
#include "drawn_model.hpp"
#include "generators.hpp"
#include "hypernetwork.hpp"

namespace cv {
namespace hyperpred {
namespace test {

// A small network with a shortcut and odd channel counts.
inline Architecture drawnArchitecture() {
    return parseArchitecture(R"({"name": "drawn", "input": {"size": 32, "channels": 3, "mean": [125, 124, 114],
        "std": [63, 62, 67]}, "layers": [
        {"name": "c1", "op": "conv", "input": "image", "out": 9, "kernel": 5, "stride": 2, "pad": 2},
        {"name": "b1", "op": "batch_norm", "input": "c1"}, {"name": "r1", "op": "relu", "input": "b1"},
        {"name": "c2", "op": "conv", "input": "r1", "out": 13, "kernel": 3, "stride": 2, "pad": 1},
        {"name": "b2", "op": "batch_norm", "input": "c2"},
        {"name": "s2", "op": "conv", "input": "r1", "out": 13, "kernel": 1, "stride": 2, "pad": 0},
        {"name": "t2", "op": "batch_norm", "input": "s2"},
        {"name": "a2", "op": "add", "inputs": ["b2", "t2"]}, {"name": "r2", "op": "relu", "input": "a2"}],
        "stages": ["r1", "r2"]})", "drawn.json");
}

inline void addLinear(Tensors& tensors, const std::string& stem, int64_t out, int64_t in, float spread) {
    tensors[stem + ".weight"] = drawn(stem + ".weight", {out, in}, spread);
    tensors[stem + ".bias"] = drawn(stem + ".bias", {out}, spread);
}

inline void addNorm(Tensors& tensors, const std::string& stem, int64_t width) {
    tensors[stem + ".weight"] = drawn(stem + ".weight", {width}, 0.1f);
    for (float& value : tensors[stem + ".weight"].values) value += 1;
    tensors[stem + ".bias"] = drawn(stem + ".bias", {width}, 0.1f);
}

inline void addBase(Tensors& tensors, const Architecture& architecture) {
    for (const Node& node : architecture.nodes) {
        const int64_t in = node.op == Op::Conv ? kernelInputs(architecture, node) : node.shape.channels;
        const int64_t k = node.kernel;
        const std::string stem = "base." + node.name;
        if (node.op == Op::Conv) {
            tensors[stem + ".weight"] =
                drawn(stem, {node.out, in, k, k}, std::sqrt(6.f / float(in * k * k)));
        } else if (node.op == Op::BatchNorm) {
            addNorm(tensors, stem, in);
            tensors[stem + ".gamma"] = tensors[stem + ".weight"];
            tensors[stem + ".beta"] = tensors[stem + ".bias"];
            tensors.erase(stem + ".weight");
            tensors.erase(stem + ".bias");
        }
    }
}

inline void addGenerators(Tensors& tensors, const Architecture& architecture, const HyperConfig& config) {
    for (const int layer : predictedLayers(architecture)) {
        const Node& node = architecture.nodes[size_t(layer)];
        const int64_t in = kernelInputs(architecture, node), k = node.kernel, edge = config.tile;
        const std::string stem = "generator." + node.name;
        addLinear(tensors, stem + ".film", 2 * node.out + gainCount(architecture, node), config.width, 0.02f);
        if (config.form == "pure") {
            add(tensors, stem + ".tiles", {tileCount(architecture, node, edge), config.width});
            const std::string tile = "tile." + std::to_string(k);
            addLinear(tensors, tile + ".expand", config.tileHidden * k * k, config.width, 0.3f);
            addLinear(tensors, tile + ".mix", config.tileHidden, config.tileHidden, 0.5f);
            addLinear(tensors, tile + ".tile", edge * edge, config.tileHidden, 0.5f);
        } else {
            tensors[stem + ".bottleneck.weight"] = drawn(stem + ".bottleneck", {config.bottleneck, config.width}, 0.1f);
            tensors[stem + ".out.weight"] = drawn(stem + ".out", {config.rank * node.out, config.bottleneck}, 0.1f);
            addLinear(tensors, stem + ".in", config.rank * in * k * k, config.bottleneck, 0.1f);
        }
    }
}

// Writes a whole model of drawn weights: a hypernetwork of width 12 (or base weights alone, `trained` false).
inline void writeDrawnModel(const std::string& path, const std::string& form, bool trained,
                            const std::string& encoder = "stats", StorageType type = StorageType::F32,
                            const Architecture& architecture = drawnArchitecture()) {
    HyperConfig config;
    config.form = form;
    config.encoder = encoder;
    config.width = 12;
    config.embedding = 7;
    config.rank = 2;
    config.bottleneck = 3;
    config.tile = 8;
    config.tileHidden = 5;
    Tensors tensors;
    if (form == "residual") addBase(tensors, architecture);
    if (trained) {
        const int64_t pooled = 4 * (encoder == "conv" ? kConvFeatures : kStatsFeatures), width = config.width;
        for (int64_t i = 0, in = 3; encoder == "conv" && i < 4; in = kConvChannels[i++]) {
            const std::string stem = "sketch.conv" + std::to_string(i);
            tensors[stem + ".weight"] = drawn(stem, {kConvChannels[i], in, 3, 3}, std::sqrt(2.f / float(in * 9)));
            tensors[stem + ".bias"] = drawn(stem + ".bias", {kConvChannels[i]}, 0.1f);
        }
        addNorm(tensors, "sketch.norm", pooled);
        addLinear(tensors, "sketch.hidden", width, pooled, 0.1f);
        addLinear(tensors, "sketch.out", width, width, 0.3f);
        addLinear(tensors, "recurrent.embed", config.embedding, 10, 0.3f);
        addLinear(tensors, "recurrent.cell0.input", 3 * width, config.embedding + width, 0.3f);
        addLinear(tensors, "recurrent.cell0.hidden", 3 * width, width, 0.3f);
        addNorm(tensors, "recurrent.norm", width);
        addGenerators(tensors, architecture, config);
    }
    nlohmann::json hyper = nlohmann::json::parse(toJson(config));
    hyper["trained"] = trained;
    writeModelFile(path, {{"format", "hyperpred-1"}, {"architecture", toJson(architecture)},
                          {"hypernetwork", hyper.dump()}, {"training", "{}"}}, tensors, type);
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
