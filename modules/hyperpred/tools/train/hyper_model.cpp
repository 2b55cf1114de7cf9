// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "hyper_model.hpp"

#include <cmath>

namespace cv {
namespace hyperpred {

namespace F = torch::nn::functional;

namespace {

torch::Tensor normal(torch::Generator& chance, at::IntArrayRef shape, double deviation) {
    return torch::randn(shape, chance, torch::kFloat) * deviation;
}

void addLinear(Named& to, const std::string& stem, int64_t out, int64_t in, double deviation,
               torch::Generator& chance) {
    to[stem + ".weight"] = normal(chance, {out, in}, deviation);
    to[stem + ".bias"] = torch::zeros({out});
}

void addNorm(Named& to, const std::string& stem, int64_t size) {
    to[stem + ".weight"] = torch::ones({size});
    to[stem + ".bias"] = torch::zeros({size});
}

void addSketch(Named& to, const HyperConfig& config, torch::Generator& chance) {
    if (config.encoder == "conv") {
        int64_t in = 3;
        for (int i = 0; i < 4; ++i) {
            const std::string stem = "sketch.conv" + std::to_string(i);
            to[stem + ".weight"] = normal(chance, {kConvChannels[i], in, 3, 3}, std::sqrt(2.0 / double(9 * in)));
            to[stem + ".bias"] = torch::zeros({kConvChannels[i]});
            in = kConvChannels[i];
        }
    }
    const int64_t pooled = 4 * (config.encoder == "conv" ? kConvFeatures : kStatsFeatures);
    addNorm(to, "sketch.norm", pooled);
    addLinear(to, "sketch.hidden", config.width, pooled, std::sqrt(1.0 / double(pooled)), chance);
    addLinear(to, "sketch.out", config.width, config.width, std::sqrt(1.0 / config.width), chance);
}

void addRecurrent(Named& to, const HyperConfig& config, torch::Generator& chance) {
    const int64_t d = config.width;
    const double scale = std::sqrt(1.0 / (3.0 * double(d)));  // the deviation of torch's uniform start
    addLinear(to, "recurrent.embed", config.embedding, kDescriptionSize, std::sqrt(1.0 / kDescriptionSize), chance);
    for (int i = 0; i < config.layers; ++i) {
        const std::string stem = "recurrent.cell" + std::to_string(i);
        addLinear(to, stem + ".input", 3 * d, i == 0 ? config.embedding + d : d, scale, chance);
        addLinear(to, stem + ".hidden", 3 * d, d, scale, chance);
    }
    addNorm(to, "recurrent.norm", d);
}

void addLayer(Named& to, const HyperConfig& config, const Architecture& architecture, const Node& node,
              torch::Generator& chance) {
    const std::string stem = "generator." + node.name;
    const int64_t out = node.out, in = kernelInputs(architecture, node), d = config.width;
    const int64_t window = int64_t(node.kernel) * node.kernel, film = 2 * out + gainCount(architecture, node);
    to[stem + ".film.weight"] = torch::zeros({film, d});
    to[stem + ".film.bias"] = torch::zeros({film});
    if (config.form == "pure") {
        to[stem + ".tiles"] = normal(chance, {tileCount(architecture, node, config.tile), d}, 1);
    } else if (config.rank > 0) {
        // v has the size of a He-normal kernel, half of it common to all tasks; u starts at zero.
        const double he = std::sqrt(1.0 / double(in * window));
        to[stem + ".bottleneck.weight"] = normal(chance, {config.bottleneck, d}, std::sqrt(1.0 / double(d)));
        to[stem + ".out.weight"] = torch::zeros({config.rank * out, config.bottleneck});
        to[stem + ".in.weight"] =
            normal(chance, {config.rank * in * window, config.bottleneck}, he / std::sqrt(double(config.bottleneck)));
        to[stem + ".in.bias"] = normal(chance, {config.rank * in * window}, he);
    }
}

void addTile(Named& to, const HyperConfig& config, int kernel, torch::Generator& chance) {
    const std::string stem = "tile." + std::to_string(kernel);
    const int64_t hidden = config.tileHidden, window = int64_t(kernel) * kernel,
                  square = int64_t(config.tile) * config.tile;
    if (to.count(stem + ".mix.weight") > 0) return;
    // Deviations that give the tile's entries about unit variance.
    addLinear(to, stem + ".expand", hidden * window, config.width, std::sqrt(1.0 / config.width), chance);
    addLinear(to, stem + ".mix", hidden, hidden, std::sqrt(2.0 / double(hidden)), chance);
    addLinear(to, stem + ".tile", square, hidden, std::sqrt(1.4 / double(hidden)), chance);
}

torch::Tensor linear(const Named& parameters, const std::string& stem, const torch::Tensor& x) {
    return at::linear(x, parameters.at(stem + ".weight"), parameters.at(stem + ".bias"));
}

torch::Tensor layerNorm(const Named& parameters, const std::string& stem, const torch::Tensor& x) {
    return at::layer_norm(x, {x.size(-1)}, parameters.at(stem + ".weight"), parameters.at(stem + ".bias"), 1e-5);
}

// size x 32 weights: column c averages the share of each pixel that lies in the c-th of 32 equal parts.
torch::Tensor areaWeights(int64_t size) {
    torch::Tensor weights = torch::zeros({size, kSketchSize});
    auto w = weights.accessor<float, 2>();
    const double part = double(size) / kSketchSize;
    for (int64_t c = 0; c < kSketchSize; ++c) {
        for (int64_t p = 0; p < size; ++p) {
            const double overlap =
                std::min(double(p + 1), double(c + 1) * part) - std::max(double(p), double(c) * part);
            if (overlap > 0) w[p][c] = float(overlap / part);
        }
    }
    return weights;
}

torch::Tensor meanOf(const torch::Tensor& planes) {
    return planes.flatten(1).mean(1, true);
}

torch::Tensor convFeatures(const Named& parameters, const torch::Tensor& planes) {
    torch::Tensor x = 2 * (planes - 0.5);
    for (int i = 0; i < 4; ++i) {
        const std::string stem = "sketch.conv" + std::to_string(i);
        x = at::relu(at::conv2d(x, parameters.at(stem + ".weight"), parameters.at(stem + ".bias"), 2, 1));
    }
    return x.mean({2, 3});
}

// One GRU step, gates in the order r, z, n (torch::nn::GRUCell).
torch::Tensor gruStep(const Named& parameters, const std::string& stem, const torch::Tensor& x,
                      const torch::Tensor& h) {
    return at::gru_cell(x, h, parameters.at(stem + ".input.weight"), parameters.at(stem + ".hidden.weight"),
                        parameters.at(stem + ".input.bias"), parameters.at(stem + ".hidden.bias"));
}

// Numbers that say what layer l's code becomes.
struct Layer {
    const Node& node;
    int64_t in;  // channels under one output channel
    std::string stem;
};

// 1 + a, shaped to multiply the kernel: a gain of each input channel, or of each tap where the layer is depthwise.
torch::Tensor gains(const Layer& layer, const torch::Tensor& a) {
    const int64_t k = layer.node.kernel;
    return isDepthwise(layer.node) ? (1 + a).view({1, 1, k, k}) : (1 + a).view({1, layer.in, 1, 1});
}

torch::Tensor residualKernel(const HyperConfig& config, const Named& parameters, const Layer& layer,
                             const torch::Tensor& code, const torch::Tensor& inGain) {
    const int64_t out = layer.node.out, k = layer.node.kernel;
    const torch::Tensor base = parameters.at("base." + layer.node.name + ".weight");
    const torch::Tensor scaled = base * gains(layer, inGain);
    if (config.rank == 0) return scaled;
    const torch::Tensor t = at::matmul(parameters.at(layer.stem + ".bottleneck.weight"), code);
    const torch::Tensor u = at::matmul(parameters.at(layer.stem + ".out.weight"), t).view({config.rank, out});
    const torch::Tensor v = linear(parameters, layer.stem + ".in", t).view({config.rank, layer.in * k * k});
    return scaled + at::matmul(u.t(), v).view({out, layer.in, k, k});
}

torch::Tensor pureKernel(const HyperConfig& config, const Named& parameters, const Layer& layer,
                         const torch::Tensor& code, const torch::Tensor& inGain) {
    const int64_t out = layer.node.out, k = layer.node.kernel, tile = config.tile, window = k * k;
    const std::string stem = "tile." + std::to_string(k);
    const torch::Tensor c = code.unsqueeze(0) + parameters.at(layer.stem + ".tiles");  // tiles x d
    const torch::Tensor m = at::gelu(linear(parameters, stem + ".expand", c)).view({-1, config.tileHidden, window});
    const torch::Tensor n = at::gelu(linear(parameters, stem + ".mix", m.transpose(1, 2)));  // tiles x window x hidden
    const torch::Tensor w = linear(parameters, stem + ".tile", n);  // tiles x window x (tile tile)
    torch::Tensor kernel;
    if (isDepthwise(layer.node)) {
        kernel = w.permute({0, 2, 1}).reshape({-1, 1, window});  // each tile: as many channels as it has entries
    } else {
        const int64_t across = (layer.in + tile - 1) / tile, down = w.size(0) / across;
        kernel = w.view({down, across, window, tile, tile}).permute({0, 3, 1, 4, 2});
        kernel = kernel.reshape({down * tile, across * tile, window});
    }
    const double scale = std::sqrt(2.0 / double(layer.in * window));
    return kernel.slice(0, 0, out).slice(1, 0, layer.in).reshape({out, layer.in, k, k}) * scale * gains(layer, inGain);
}

}  // namespace

Named initialHyper(const HyperConfig& config, const Architecture& architecture, torch::Generator& chance) {
    Named parameters;
    addSketch(parameters, config, chance);
    addRecurrent(parameters, config, chance);
    for (const int index : predictedLayers(architecture)) {
        const Node& node = architecture.nodes[size_t(index)];
        addLayer(parameters, config, architecture, node, chance);
        if (config.form == "pure") addTile(parameters, config, node.kernel, chance);
    }
    return parameters;
}

torch::Tensor encoderPlanes(const torch::Tensor& images) {
    const int64_t size = images.size(2);
    if (size % kSketchSize == 0) return at::avg_pool2d(images.contiguous(), size / kSketchSize) / 255;
    const torch::Tensor weights = areaWeights(size).to(images.device());
    return at::matmul(weights.t(), at::matmul(images, weights)) / 255;
}

torch::Tensor planeStatistics(const torch::Tensor& planes) {
    const torch::Tensor r = planes.select(1, 0), g = planes.select(1, 1), b = planes.select(1, 2);
    const torch::Tensor lum = 0.299 * r + 0.587 * g + 0.114 * b;
    const torch::Tensor mean = planes.mean({2, 3}), centred = planes - mean.view({-1, 3, 1, 1});
    const auto covariance = [&](int i, int j) { return 4 * meanOf(centred.select(1, i) * centred.select(1, j)); };
    std::vector<torch::Tensor> parts = {mean, torch::sqrt(centred.square().mean({2, 3}) + 1e-8), covariance(0, 1),
                                        covariance(0, 2), covariance(1, 2)};
    parts.push_back((planes.slice(3, 1) - planes.slice(3, 0, -1)).abs().mean({2, 3}));
    parts.push_back((planes.slice(2, 1) - planes.slice(2, 0, -1)).abs().mean({2, 3}));
    torch::Tensor level = lum.unsqueeze(1);
    for (int i = 0; i < 3; ++i) {
        const torch::Tensor coarse = at::avg_pool2d(level, 2);
        parts.push_back(meanOf((level - coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)).abs()));
        level = coarse;
    }
    parts.push_back(meanOf(lum.slice(1, 0, 16)) - meanOf(lum.slice(1, 16, 32)));
    parts.push_back(meanOf(lum.slice(2, 0, 16)) - meanOf(lum.slice(2, 16, 32)));
    parts.push_back(meanOf(lum.slice(1, 8, 24).slice(2, 8, 24)) - meanOf(lum));
    const torch::Tensor corner = lum.slice(1, 0, 31).slice(2, 0, 31);
    parts.push_back(
        16 * meanOf((lum.slice(1, 0, 31).slice(2, 1, 32) - corner) * (lum.slice(1, 1, 32).slice(2, 0, 31) - corner)));
    const torch::Tensor off = lum - meanOf(lum).unsqueeze(2), variance = meanOf(off.square());
    parts.push_back(meanOf(off * off * off) / torch::pow(variance + 1e-4, 1.5));
    parts.push_back(torch::sqrt(variance + 1e-8));
    return torch::cat(parts, 1);
}

torch::Tensor pooledByLabel(const torch::Tensor& features, const torch::Tensor& labels, int64_t classes) {
    const auto deviation = [](const torch::Tensor& variance) { return torch::sqrt(variance + 1e-8); };
    const torch::Tensor members = F::one_hot(labels, classes).to(torch::kFloat).t();  // classes x N
    const torch::Tensor average = members / members.sum(1, true);
    const torch::Tensor means = at::matmul(average, features);
    const torch::Tensor within = at::matmul(average, (features - means.index_select(0, labels)).square());
    return torch::cat({features.mean(0), deviation(features.var(0, false)), deviation(within).mean(0),
                       deviation(means.var(0, false))});
}

torch::Tensor sketchOf(const HyperConfig& config, const Named& parameters, const torch::Tensor& planes,
                       const torch::Tensor& labels, int64_t classes) {
    const torch::Tensor features =
        config.encoder == "conv" ? convFeatures(parameters, planes) : planeStatistics(planes);
    const torch::Tensor pooled = layerNorm(parameters, "sketch.norm", pooledByLabel(features, labels, classes));
    return linear(parameters, "sketch.out", at::gelu(linear(parameters, "sketch.hidden", pooled)));
}

torch::Tensor unrollCodes(const HyperConfig& config, const Architecture& architecture, const Named& parameters,
                          const torch::Tensor& sketch) {
    const torch::Tensor s = sketch.unsqueeze(0);
    std::vector<torch::Tensor> hidden(size_t(config.layers), s), codes;
    torch::Tensor output = layerNorm(parameters, "recurrent.norm", s);
    for (int l = 0; l < int(predictedLayers(architecture).size()); ++l) {
        const torch::Tensor description =
            torch::tensor(describeLayer(architecture, l)).to(sketch.device()).unsqueeze(0);
        torch::Tensor x = torch::cat({torch::tanh(linear(parameters, "recurrent.embed", description)), output}, 1);
        for (int i = 0; i < config.layers; ++i) {
            x = hidden[size_t(i)] = gruStep(parameters, "recurrent.cell" + std::to_string(i), x, hidden[size_t(i)]);
        }
        output = layerNorm(parameters, "recurrent.norm", x + double(config.sketchMix) * s);
        codes.push_back(output);
    }
    return torch::cat(codes, 0);
}

TargetWeights predictWeights(const HyperConfig& config, const Architecture& architecture, const Named& parameters,
                             const torch::Tensor& codes) {
    const bool pure = config.form == "pure";
    TargetWeights weights;
    if (pure) {
        weights.kernel.resize(architecture.nodes.size());
        for (const Node& node : architecture.nodes) {
            const bool norm = node.op == Op::BatchNorm;
            weights.gamma.push_back(norm ? torch::ones({node.shape.channels}).to(codes.device()) : torch::Tensor());
            weights.beta.push_back(norm ? torch::zeros({node.shape.channels}).to(codes.device()) : torch::Tensor());
        }
    } else {
        weights = baseWeights(architecture, parameters);
    }
    const std::vector<int> layers = predictedLayers(architecture);
    for (size_t l = 0; l < layers.size(); ++l) {
        const Node& node = architecture.nodes[size_t(layers[l])];
        const Layer layer{node, kernelInputs(architecture, node), "generator." + node.name};
        const torch::Tensor code = codes[int64_t(l)];
        const torch::Tensor film = linear(parameters, layer.stem + ".film", code);
        const torch::Tensor inGain = film.slice(0, 2 * node.out);
        weights.kernel[size_t(layers[l])] = pure ? pureKernel(config, parameters, layer, code, inGain)
                                                 : residualKernel(config, parameters, layer, code, inGain);
        const int norm = batchNormOf(architecture, layers[l]);
        if (norm < 0) continue;
        weights.gamma[size_t(norm)] = weights.gamma[size_t(norm)] * (1 + film.slice(0, 0, node.out));
        weights.beta[size_t(norm)] = weights.beta[size_t(norm)] + film.slice(0, node.out, 2 * node.out);
    }
    return weights;
}

}  // namespace hyperpred
}  // namespace cv
