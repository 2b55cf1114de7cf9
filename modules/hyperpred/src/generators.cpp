// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "generators.hpp"

#include <string>

#include "hypernetwork.hpp"

namespace cv {
namespace hyperpred {

namespace {

NetworkWeights readBase(const ModelFile& file, const Architecture& architecture) {
    NetworkWeights base(architecture.nodes.size());
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const std::string stem = "base." + node.name;
        if (node.op == Op::Conv) {
            const int64_t in = kernelInputs(architecture, node);
            base[i].kernel = file.read(stem + ".weight", {node.out, in, node.kernel, node.kernel});
        }
        if (node.op == Op::BatchNorm) {
            const int64_t in = node.shape.channels;
            base[i].gamma = file.read(stem + ".gamma", {in}).values;
            base[i].beta = file.read(stem + ".beta", {in}).values;
        }
    }
    return base;
}

// The pure form has no base: with gamma 1 and beta 0 its batch-norms follow the residual form's formulas.
NetworkWeights neutralBase(const Architecture& architecture) {
    NetworkWeights base(architecture.nodes.size());
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        if (architecture.nodes[i].op != Op::BatchNorm) continue;
        base[i].gamma.assign(size_t(architecture.nodes[i].shape.channels), 1.f);
        base[i].beta.assign(size_t(architecture.nodes[i].shape.channels), 0.f);
    }
    return base;
}

LayerGenerator readLayer(const ModelFile& file, const HyperConfig& config, const Architecture& architecture,
                         const Node& node) {
    const std::string stem = "generator." + node.name;
    const int64_t out = node.out, in = kernelInputs(architecture, node), width = config.width;
    const int64_t window = int64_t(node.kernel) * node.kernel, film = 2 * out + gainCount(architecture, node);
    LayerGenerator layer;
    layer.filmWeight = file.read(stem + ".film.weight", {film, width});
    layer.filmBias = file.read(stem + ".film.bias", {film});
    if (config.form == "pure") {
        layer.tileEmbedding = file.read(stem + ".tiles", {tileCount(architecture, node, config.tile), width});
    } else if (config.rank > 0) {
        const int64_t rank = config.rank, bottleneck = config.bottleneck;
        layer.bottleneckWeight = file.read(stem + ".bottleneck.weight", {bottleneck, width});
        layer.outWeight = file.read(stem + ".out.weight", {rank * out, bottleneck});
        layer.inWeight = file.read(stem + ".in.weight", {rank * in * window, bottleneck});
        layer.inBias = file.read(stem + ".in.bias", {rank * in * window});
    }
    return layer;
}

TileGenerator readTile(const ModelFile& file, const HyperConfig& config, int kernel) {
    const std::string stem = "tile." + std::to_string(kernel);
    const int64_t hidden = config.tileHidden, window = int64_t(kernel) * kernel;
    const int64_t square = int64_t(config.tile) * config.tile;
    TileGenerator tile;
    tile.expandWeight = file.read(stem + ".expand.weight", {hidden * window, config.width});
    tile.expandBias = file.read(stem + ".expand.bias", {hidden * window});
    tile.mixWeight = file.read(stem + ".mix.weight", {hidden, hidden});
    tile.mixBias = file.read(stem + ".mix.bias", {hidden});
    tile.tileWeight = file.read(stem + ".tile.weight", {square, hidden});
    tile.tileBias = file.read(stem + ".tile.bias", {square});
    return tile;
}

}  // namespace

int batchNormOf(const Architecture& architecture, int conv) {
    int found = -1, consumers = 0;
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        for (const int input : architecture.nodes[i].inputs) {
            if (input != conv) continue;
            ++consumers;
            if (architecture.nodes[i].op == Op::BatchNorm) found = int(i);
        }
    }
    for (const int stage : architecture.stages) consumers += stage == conv ? 1 : 0;
    return consumers == 1 ? found : -1;
}

int gainCount(const Architecture& architecture, const Node& conv) {
    return isDepthwise(conv) ? conv.kernel * conv.kernel : kernelInputs(architecture, conv);
}

int64_t tileCount(const Architecture& architecture, const Node& conv, int64_t tileEdge) {
    const auto pieces = [](int64_t channels, int64_t each) { return (channels + each - 1) / each; };
    if (isDepthwise(conv)) return pieces(conv.out, tileEdge * tileEdge);
    return pieces(conv.out, tileEdge) * pieces(kernelInputs(architecture, conv), tileEdge);
}

GeneratorParameters readGenerators(const ModelFile& file, const HyperConfig& config, const Architecture& architecture,
                                   bool trained) {
    GeneratorParameters parameters;
    parameters.pure = config.form == "pure";
    parameters.rank = config.rank;
    parameters.bottleneck = config.bottleneck;
    parameters.tile = config.tile;
    parameters.tileHidden = config.tileHidden;
    parameters.base = parameters.pure ? neutralBase(architecture) : readBase(file, architecture);
    if (!trained) return parameters;
    for (const int index : predictedLayers(architecture)) {
        const Node& node = architecture.nodes[size_t(index)];
        parameters.layers.push_back(readLayer(file, config, architecture, node));
        if (parameters.pure && parameters.tiles.count(node.kernel) == 0) {
            parameters.tiles[node.kernel] = readTile(file, config, node.kernel);
        }
    }
    return parameters;
}

}  // namespace hyperpred
}  // namespace cv
