// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/generate.hpp"

#include <map>

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

int64_t append(std::vector<float>& arena, const std::vector<float>& values) {
    const int64_t first = int64_t(arena.size());
    arena.insert(arena.end(), values.begin(), values.end());
    return first;
}

}  // namespace

Generate::Generate(const HyperNetwork& hyper, const NetworkLayout& layout, MemoryPool& pool)
    : layout_(layout),
      pool_(pool),
      pure_(hyper.generators.pure),
      width_(hyper.config.width),
      rank_(hyper.generators.rank),
      bottleneck_(hyper.generators.bottleneck),
      tile_(hyper.generators.tile),
      tileHidden_(hyper.generators.tileHidden) {
    placeBase(hyper);
    if (!hyper.trained) return;
    for (const int conv : predictedLayers(hyper.architecture)) {
        const Node& node = hyper.architecture.nodes[size_t(conv)];
        GeneratorLayer layer{};
        layer.outputs = node.out;
        layer.inputs = kernelInputs(hyper.architecture, node);
        layer.window = node.kernel * node.kernel;
        layer.depthwise = isDepthwise(node);
        layer.kernel = layout.kernel[size_t(conv)];
        layers_.push_back(layer);
    }
    placeFirstRows(hyper);
    if (pure_) {
        placeTiles(hyper);
    } else {
        placeSecondRows(hyper);
    }
    table_ = pool.upload(layers_);
}

void Generate::placeBase(const HyperNetwork& hyper) {
    std::vector<float> kernels, gamma, beta;
    for (const NodeWeights& node : hyper.generators.base) {
        append(kernels, node.kernel.values);
        append(gamma, node.gamma);
        append(beta, node.beta);
    }
    baseKernels_ = pool_.upload(kernels);
    baseGamma_ = pool_.upload(gamma);
    baseBeta_ = pool_.upload(beta);
}

void Generate::placeFirstRows(const HyperNetwork& hyper) {
    const std::vector<int> convs = predictedLayers(hyper.architecture);
    std::vector<float> weight, bias;
    std::vector<int> group;
    std::vector<int64_t> gain(size_t(layout_.norms), -1), shift(size_t(layout_.norms), -1);
    for (size_t i = 0; i < layers_.size(); ++i) {
        const LayerGenerator& from = hyper.generators.layers[i];
        append(weight, from.filmWeight.values);
        const int64_t film = append(bias, from.filmBias.values);
        const int norm = batchNormOf(hyper.architecture, convs[i]);
        for (int o = 0; norm >= 0 && o < layers_[i].outputs; ++o) {
            gain[size_t(layout_.norm[size_t(norm)] + o)] = film + o;
            shift[size_t(layout_.norm[size_t(norm)] + o)] = film + layers_[i].outputs + o;
        }
        layers_[i].inputGain = film + 2 * layers_[i].outputs;
        bottleneckAt_.push_back(int64_t(bias.size()));
        if (!pure_ && rank_ > 0) {
            append(weight, from.bottleneckWeight.values);
            append(bias, std::vector<float>(size_t(bottleneck_), 0.f));
        }
        group.resize(bias.size(), int(i));
    }
    firstRows_ = int64_t(bias.size());
    firstWeight_ = pool_.upload(weight);
    firstBias_ = pool_.upload(bias);
    firstGroup_ = pool_.upload(group);
    gain_ = pool_.upload(gain);
    shift_ = pool_.upload(shift);
}

void Generate::placeSecondRows(const HyperNetwork& hyper) {
    std::vector<float> weight, bias;
    std::vector<int64_t> source;
    for (size_t i = 0; i < layers_.size() && rank_ > 0; ++i) {
        const LayerGenerator& from = hyper.generators.layers[i];
        append(weight, from.outWeight.values);
        layers_[i].u = append(bias, std::vector<float>(size_t(rank_) * size_t(layers_[i].outputs), 0.f));
        append(weight, from.inWeight.values);
        layers_[i].v = append(bias, from.inBias.values);
        source.resize(bias.size(), bottleneckAt_[i]);
    }
    secondRows_ = int64_t(bias.size());
    secondWeight_ = pool_.upload(weight);
    secondBias_ = pool_.upload(bias);
    secondSource_ = pool_.upload(source);
}

void Generate::placeTiles(const HyperNetwork& hyper) {
    std::vector<float> arena;
    std::map<int, GeneratorLayer> shared;  // where the tile generator of a window lies
    for (const auto& entry : hyper.generators.tiles) {
        GeneratorLayer& at = shared[entry.first * entry.first];
        at.expandWeight = append(arena, entry.second.expandWeight.values);
        at.expandBias = append(arena, entry.second.expandBias.values);
        at.mixWeight = append(arena, entry.second.mixWeight.values);
        at.mixBias = append(arena, entry.second.mixBias.values);
        at.tileWeight = append(arena, entry.second.tileWeight.values);
        at.tileBias = append(arena, entry.second.tileBias.values);
    }
    for (size_t i = 0; i < layers_.size(); ++i) {
        GeneratorLayer& layer = layers_[i];
        const GeneratorLayer& at = shared.at(layer.window);
        layer.expandWeight = at.expandWeight;
        layer.expandBias = at.expandBias;
        layer.mixWeight = at.mixWeight;
        layer.mixBias = at.mixBias;
        layer.tileWeight = at.tileWeight;
        layer.tileBias = at.tileBias;
        layer.embedding = append(arena, hyper.generators.layers[i].tileEmbedding.values);
        layer.inTiles = int(blocksFor(layer.inputs, tile_));
        layer.tileHidden = tileNumbers_;
        tileNumbers_ += hyper.generators.layers[i].tileEmbedding.shape[0] * layer.window * tileHidden_;
    }
    tiles_ = pool_.upload(arena);
}

std::unique_ptr<DeviceNetwork> Generate::operator()(const std::vector<float>& codes) const {
    auto network = emptyNetwork(layout_, pool_);
    if (codes.empty()) {
        Device& device = pool_.device();
        device.copy(network->kernels.floats(), baseKernels_.floats(), size_t(layout_.kernels) * sizeof(float));
        device.copy(network->gamma.floats(), baseGamma_.floats(), size_t(layout_.norms) * sizeof(float));
        device.copy(network->beta.floats(), baseBeta_.floats(), size_t(layout_.norms) * sizeof(float));
        return network;
    }
    const Memory uploaded = pool_.upload(codes);
    if (pure_) {
        launchPure(uploaded, *network);
    } else {
        launchResidual(uploaded, *network);
    }
    return network;
}

GeneratorTable Generate::table() const {
    GeneratorTable result{};
    result.layers = table_.as<GeneratorLayer>();
    result.count = int(layers_.size());
    return result;
}

Memory Generate::firstProducts(const Memory& codes) const {
    Memory products = pool_.takeOf<float>(size_t(firstRows_));
    LongRows rows{};
    rows.weight = firstWeight_.floats();
    rows.bias = firstBias_.floats();
    rows.x = codes.floats();
    rows.group = firstGroup_.as<int>();
    rows.y = products.floats();
    rows.rows = firstRows_;
    rows.columns = width_;
    launch(pool_.device(), rows);
    return products;
}

void Generate::launchNorms(const Memory& gains, DeviceNetwork& network) const {
    PredictedNorms norms{};
    norms.baseGamma = baseGamma_.floats();
    norms.baseBeta = baseBeta_.floats();
    norms.gain = gain_.as<int64_t>();
    norms.shift = shift_.as<int64_t>();
    norms.gains = gains.floats();
    norms.gamma = network.gamma.floats();
    norms.beta = network.beta.floats();
    norms.total = layout_.norms;
    launch(pool_.device(), norms);
}

void Generate::launchResidual(const Memory& codes, DeviceNetwork& network) const {
    const Memory gains = firstProducts(codes);
    const Memory factors = pool_.takeOf<float>(size_t(secondRows_));
    ShortRows second{};
    second.weight = secondWeight_.floats();
    second.bias = secondBias_.floats();
    second.x = gains.floats();
    second.source = secondSource_.as<int64_t>();
    second.y = factors.floats();
    second.rows = secondRows_;
    second.columns = bottleneck_;
    launch(pool_.device(), second);

    ResidualKernels kernels{};
    kernels.table = table();
    kernels.base = baseKernels_.floats();
    kernels.gains = gains.floats();
    kernels.factors = factors.floats();
    kernels.kernels = network.kernels.floats();
    kernels.total = layout_.kernels;
    kernels.rank = rank_;
    launch(pool_.device(), kernels);
    launchNorms(gains, network);
}

void Generate::launchPure(const Memory& codes, DeviceNetwork& network) const {
    const Memory gains = firstProducts(codes);
    const Memory expanded = pool_.takeOf<float>(size_t(tileNumbers_));
    const Memory mixed = pool_.takeOf<float>(size_t(tileNumbers_));
    ExpandTiles expand{};
    expand.table = table();
    expand.parameters = tiles_.floats();
    expand.codes = codes.floats();
    expand.out = expanded.floats();
    expand.total = tileNumbers_;
    expand.width = width_;
    expand.hidden = tileHidden_;
    launch(pool_.device(), expand);

    MixTiles mix{};
    mix.table = table();
    mix.parameters = tiles_.floats();
    mix.in = expanded.floats();
    mix.out = mixed.floats();
    mix.total = tileNumbers_;
    mix.hidden = tileHidden_;
    launch(pool_.device(), mix);

    PureKernels kernels{};
    kernels.table = table();
    kernels.parameters = tiles_.floats();
    kernels.mixed = mixed.floats();
    kernels.gains = gains.floats();
    kernels.kernels = network.kernels.floats();
    kernels.total = layout_.kernels;
    kernels.hidden = tileHidden_;
    kernels.tile = tile_;
    launch(pool_.device(), kernels);
    launchNorms(gains, network);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
