// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cmath>

#include "reference/plain_loops.hpp"

namespace cv {
namespace hyperpred {
namespace reference {

namespace {

using Values = std::vector<double>;

Values layerNorm(const Tensor& weight, const Tensor& bias, const Values& x) {
    const double kEpsilon = 1e-5;
    double mean = 0, variance = 0;
    for (const double value : x) mean += value / double(x.size());
    for (const double value : x) variance += (value - mean) * (value - mean) / double(x.size());
    Values y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        y[i] = (x[i] - mean) / std::sqrt(variance + kEpsilon) * double(weight.values[i]) + double(bias.values[i]);
    }
    return y;
}

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

// torch::nn::GRUCell: rows of the weights are the gates r, z, n.
Values gru(const RecurrentParameters::Cell& cell, const Values& x, const Values& h) {
    const Values fromInput = linear(cell.inputWeight, cell.inputBias, x);
    const Values fromHidden = linear(cell.hiddenWeight, cell.hiddenBias, h);
    const size_t d = h.size();
    Values next(d);
    for (size_t i = 0; i < d; ++i) {
        const double r = sigmoid(fromInput[i] + fromHidden[i]);
        const double z = sigmoid(fromInput[d + i] + fromHidden[d + i]);
        const double n = std::tanh(fromInput[2 * d + i] + r * fromHidden[2 * d + i]);
        next[i] = (1 - z) * n + z * h[i];
    }
    return next;
}

Values embedding(const RecurrentParameters& parameters, size_t layer) {
    const float* row = parameters.descriptions.values.data() + layer * kDescriptionSize;
    Values e = linear(parameters.embedWeight, parameters.embedBias, Values(row, row + kDescriptionSize));
    for (double& value : e) value = std::tanh(value);
    return e;
}

// W_base (1 + a) + sum_r u_r v_r. An input gain belongs to all taps of an input channel, or to one tap where the layer
// is depthwise.
void residualKernel(const GeneratorParameters& parameters, const LayerGenerator& layer, const Values& code,
                    const Values& inputGain, Tensor& kernel) {
    const size_t out = size_t(kernel.shape[0]), row = kernel.values.size() / out;
    const size_t rank = size_t(parameters.rank);
    Values u, v;
    if (rank > 0) {
        const Values t = linear(layer.bottleneckWeight, Tensor(), code);
        u = linear(layer.outWeight, Tensor(), t);
        v = linear(layer.inWeight, layer.inBias, t);
    }
    for (size_t o = 0; o < out; ++o) {
        for (size_t j = 0; j < row; ++j) {
            double value = double(kernel.values[o * row + j]) * (1 + inputGain[j / (row / inputGain.size())]);
            for (size_t r = 0; r < rank; ++r) value += u[r * out + o] * v[r * row + j];
            kernel.values[o * row + j] = float(value);
        }
    }
}

// The entries of one tile, (T T) x (k k).
Values tileEntries(const TileGenerator& tile, size_t window, const Values& code) {
    const size_t hidden = size_t(tile.mixWeight.shape[0]), square = size_t(tile.tileWeight.shape[0]);
    const Values expanded = linear(tile.expandWeight, tile.expandBias, code);
    Values entries(square * window);
    for (size_t position = 0; position < window; ++position) {
        Values m(hidden);
        for (size_t h = 0; h < hidden; ++h) m[h] = gelu(expanded[h * window + position]);
        Values n = linear(tile.mixWeight, tile.mixBias, m);
        for (double& value : n) value = gelu(value);
        const Values w = linear(tile.tileWeight, tile.tileBias, n);
        for (size_t i = 0; i < square; ++i) entries[i * window + position] = w[i];
    }
    return entries;
}

void pureKernel(const GeneratorParameters& parameters, const LayerGenerator& layer, const Values& code,
                const Values& inputGain, bool depthwise, Tensor& kernel) {
    const size_t out = size_t(kernel.shape[0]), in = size_t(kernel.shape[1]);
    const size_t window = size_t(kernel.shape[2] * kernel.shape[3]), edge = size_t(parameters.tile);
    const TileGenerator& tile = parameters.tiles.at(int(kernel.shape[2]));
    const size_t inTiles = (in + edge - 1) / edge, tiles = size_t(layer.tileEmbedding.shape[0]);
    const double scale = std::sqrt(2.0 / double(in * window));
    for (size_t index = 0; index < tiles; ++index) {
        Values shifted = code;
        for (size_t i = 0; i < code.size(); ++i) {
            shifted[i] += double(layer.tileEmbedding.values[index * code.size() + i]);
        }
        const Values entries = tileEntries(tile, window, shifted);
        for (size_t e = 0; e < edge * edge; ++e) {
            const size_t o = depthwise ? index * edge * edge + e : index / inTiles * edge + e / edge;
            const size_t i = depthwise ? 0 : index % inTiles * edge + e % edge;
            if (o >= out || i >= in) continue;
            for (size_t p = 0; p < window; ++p) {
                const double gain = 1 + inputGain[depthwise ? p : i];
                kernel.values[(o * in + i) * window + p] = float(entries[e * window + p] * scale * gain);
            }
        }
    }
}

void generateLayer(const HyperNetwork& hyper, size_t index, const Values& code, NetworkWeights& weights) {
    const int conv = predictedLayers(hyper.architecture)[index];
    const Node& node = hyper.architecture.nodes[size_t(conv)];
    const LayerGenerator& layer = hyper.generators.layers[index];
    const size_t out = size_t(node.out);
    const Values film = linear(layer.filmWeight, layer.filmBias, code);  // g, b, a
    const Values inputGain(film.begin() + std::ptrdiff_t(2 * out), film.end());
    Tensor& kernel = weights[size_t(conv)].kernel;
    if (hyper.generators.pure) {
        const int64_t in = kernelInputs(hyper.architecture, node);
        kernel.shape = {node.out, in, node.kernel, node.kernel};
        kernel.values.resize(out * size_t(in) * size_t(node.kernel) * size_t(node.kernel));
        pureKernel(hyper.generators, layer, code, inputGain, isDepthwise(node), kernel);
    } else {
        residualKernel(hyper.generators, layer, code, inputGain, kernel);
    }
    const int norm = batchNormOf(hyper.architecture, conv);
    if (norm < 0) return;
    NodeWeights& batchNorm = weights[size_t(norm)];
    for (size_t o = 0; o < out; ++o) {
        batchNorm.gamma[o] = float(double(batchNorm.gamma[o]) * (1 + film[o]));
        batchNorm.beta[o] = float(double(batchNorm.beta[o]) + film[out + o]);
    }
}

}  // namespace

std::vector<double> linear(const Tensor& weight, const Tensor& bias, const std::vector<double>& x) {
    const size_t out = size_t(weight.shape[0]), in = size_t(weight.shape[1]);
    Values y(out, 0);
    for (size_t o = 0; o < out; ++o) {
        if (!bias.values.empty()) y[o] = double(bias.values[o]);
        for (size_t i = 0; i < in; ++i) y[o] += double(weight.values[o * in + i]) * x[i];
    }
    return y;
}

double gelu(double x) {
    return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
}

std::vector<float> unroll(const RecurrentParameters& parameters, const std::vector<float>& sketch) {
    const Values s(sketch.begin(), sketch.end());
    std::vector<Values> hidden(parameters.cells.size(), s);
    Values output = layerNorm(parameters.normWeight, parameters.normBias, s);
    std::vector<float> codes;
    for (size_t layer = 0; layer < size_t(parameters.descriptions.shape[0]); ++layer) {
        Values x = embedding(parameters, layer);
        x.insert(x.end(), output.begin(), output.end());
        for (size_t cell = 0; cell < hidden.size(); ++cell) {
            hidden[cell] = gru(parameters.cells[cell], x, hidden[cell]);
            x = hidden[cell];
        }
        for (size_t i = 0; i < x.size(); ++i) x[i] += double(parameters.sketchMix) * s[i];
        output = layerNorm(parameters.normWeight, parameters.normBias, x);
        for (const double value : output) codes.push_back(float(value));
    }
    return codes;
}

NetworkWeights generate(const HyperNetwork& hyper, const std::vector<float>& codes) {
    NetworkWeights weights = hyper.generators.base;
    if (codes.empty()) return weights;
    const size_t d = size_t(hyper.config.width);
    for (size_t index = 0; index < hyper.generators.layers.size(); ++index) {
        const Values code(codes.data() + index * d, codes.data() + (index + 1) * d);
        generateLayer(hyper, index, code, weights);
    }
    return weights;
}

}  // namespace reference
}  // namespace hyperpred
}  // namespace cv
