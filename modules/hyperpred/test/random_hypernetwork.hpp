// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_RANDOM_HYPERNETWORK_HPP
#define HYPERPRED_TEST_RANDOM_HYPERNETWORK_HPP

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "hypernetwork.hpp"

// Whole hypernetworks of random weights, for any architecture, form and encoder.

namespace cv {
namespace hyperpred {
namespace test {

class RandomTensors {
public:
    explicit RandomTensors(unsigned seed) : draw_(seed) {}

    Tensor operator()(const std::vector<int64_t>& shape, double deviation, double mean = 0) {
        Tensor tensor;
        tensor.shape = shape;
        size_t count = 1;
        for (const int64_t extent : shape) count *= size_t(extent);
        tensor.values.resize(count);
        std::normal_distribution<double> normal(mean, deviation);
        for (float& value : tensor.values) value = float(normal(draw_));
        return tensor;
    }
    // Of a linear map that keeps the variance.
    Tensor weight(int64_t out, int64_t in) { return (*this)({out, in}, 1 / std::sqrt(double(in))); }

private:
    std::mt19937 draw_;
};

inline SketchParameters randomSketch(const HyperConfig& config, RandomTensors& draw) {
    SketchParameters sketch;
    sketch.conv = config.encoder == "conv";
    sketch.width = config.width;
    int64_t in = 3;
    for (int i = 0; sketch.conv && i < 4; ++i) {
        const int64_t out = kConvChannels[i];
        sketch.convWeight.push_back(draw({out, in, 3, 3}, std::sqrt(2.0 / double(9 * in))));
        sketch.convBias.push_back(draw({out}, 0.1));
        in = out;
    }
    const int64_t pooled = 4 * imageFeatureCount(sketch), width = config.width;
    sketch.normWeight = draw({pooled}, 0.2, 1);
    sketch.normBias = draw({pooled}, 0.2);
    sketch.hiddenWeight = draw.weight(width, pooled);
    sketch.hiddenBias = draw({width}, 0.1);
    sketch.outWeight = draw.weight(width, width);
    sketch.outBias = draw({width}, 0.1);
    return sketch;
}

inline RecurrentParameters randomRecurrent(const HyperConfig& config, const Architecture& architecture,
                                           RandomTensors& draw) {
    RecurrentParameters recurrent;
    const int64_t width = config.width, embedding = config.embedding;
    recurrent.width = config.width;
    recurrent.sketchMix = config.sketchMix;
    const int count = int(predictedLayers(architecture).size());
    recurrent.descriptions.shape = {count, kDescriptionSize};
    for (int layer = 0; layer < count; ++layer) {
        for (const float value : describeLayer(architecture, layer)) recurrent.descriptions.values.push_back(value);
    }
    recurrent.embedWeight = draw.weight(embedding, kDescriptionSize);
    recurrent.embedBias = draw({embedding}, 0.1);
    for (int i = 0; i < config.layers; ++i) {
        RecurrentParameters::Cell cell;
        cell.inputWeight = draw.weight(3 * width, i == 0 ? embedding + width : width);
        cell.inputBias = draw({3 * width}, 0.1);
        cell.hiddenWeight = draw.weight(3 * width, width);
        cell.hiddenBias = draw({3 * width}, 0.1);
        recurrent.cells.push_back(cell);
    }
    recurrent.normWeight = draw({width}, 0.2, 1);
    recurrent.normBias = draw({width}, 0.2);
    return recurrent;
}

inline NetworkWeights randomBase(const Architecture& architecture, bool pure, RandomTensors& draw) {
    NetworkWeights base(architecture.nodes.size());
    for (size_t i = 0; i < base.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const int64_t in = node.op == Op::Conv ? kernelInputs(architecture, node) : node.shape.channels;
        if (node.op == Op::Conv && !pure) {
            base[i].kernel = draw({node.out, in, node.kernel, node.kernel},
                                  std::sqrt(2.0 / double(in * node.kernel * node.kernel)));
        }
        if (node.op == Op::BatchNorm) {
            // Some gains are negative: max_pool after them then takes the least.
            base[i].gamma = pure ? std::vector<float>(size_t(in), 1.f) : draw({in}, 0.6, 0.7).values;
            base[i].beta = pure ? std::vector<float>(size_t(in), 0.f) : draw({in}, 0.3).values;
        }
    }
    return base;
}

inline GeneratorParameters randomGenerators(const HyperConfig& config, const Architecture& architecture,
                                            RandomTensors& draw) {
    GeneratorParameters generators;
    generators.pure = config.form == "pure";
    generators.rank = config.rank;
    generators.bottleneck = config.bottleneck;
    generators.tile = config.tile;
    generators.tileHidden = config.tileHidden;
    generators.base = randomBase(architecture, generators.pure, draw);
    const int64_t width = config.width, hidden = config.tileHidden, edge = config.tile;
    for (const int index : predictedLayers(architecture)) {
        const Node& node = architecture.nodes[size_t(index)];
        const int64_t out = node.out, in = kernelInputs(architecture, node), window = node.kernel * node.kernel;
        const int64_t film = 2 * out + gainCount(architecture, node);
        LayerGenerator layer;
        layer.filmWeight = draw({film, width}, 0.1 / std::sqrt(double(width)));
        layer.filmBias = draw({film}, 0.05);
        if (generators.pure) {
            layer.tileEmbedding = draw({tileCount(architecture, node, edge), width}, 1);
        } else if (config.rank > 0) {
            layer.bottleneckWeight = draw.weight(config.bottleneck, width);
            layer.outWeight = draw.weight(config.rank * out, config.bottleneck);
            layer.inWeight = draw({config.rank * in * window, config.bottleneck}, 0.1 / std::sqrt(double(in * window)));
            layer.inBias = draw({config.rank * in * window}, 0.1 / std::sqrt(double(in * window)));
        }
        generators.layers.push_back(layer);
        if (!generators.pure || generators.tiles.count(node.kernel) > 0) continue;
        TileGenerator tile;
        tile.expandWeight = draw.weight(hidden * window, width);
        tile.expandBias = draw({hidden * window}, 0.1);
        tile.mixWeight = draw.weight(hidden, hidden);
        tile.mixBias = draw({hidden}, 0.1);
        tile.tileWeight = draw.weight(edge * edge, hidden);
        tile.tileBias = draw({edge * edge}, 0.1);
        generators.tiles[node.kernel] = tile;
    }
    return generators;
}

inline std::shared_ptr<const HyperNetwork> randomHyperNetwork(const Architecture& architecture,
                                                              const HyperConfig& config, unsigned seed) {
    RandomTensors draw(seed);
    auto hyper = std::make_shared<HyperNetwork>();
    hyper->architecture = architecture;
    hyper->config = config;
    hyper->sketch = randomSketch(config, draw);
    hyper->recurrent = randomRecurrent(config, architecture, draw);
    hyper->generators = randomGenerators(config, architecture, draw);
    return hyper;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
