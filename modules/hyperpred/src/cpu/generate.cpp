// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cmath>

#include "cpu/buffer.hpp"
#include "cpu/hypernetwork_pass.hpp"
#include "cpu/kernels.hpp"
#include "cpu/matrix.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

using Values = std::vector<float>;

// What a code says of its layer before kernels are written. Formulas and names: doc/model.md.
struct LayerCode {
    const float* code = nullptr;
    int conv = 0, batchNorm = -1;  // nodes
    size_t out = 0, in = 0, window = 0;
    Values film;   // g, b, a
    bool depthwise = false;
    Values u, v;   // residual: rank x O, rank x (I k k)
    Values gains;  // 1 + a, for each of I k k
};

class Generation {
public:
    Generation(const HyperNetwork& hyper, const std::vector<float>& codes, const Workers& workers)
        : hyper_(hyper), generators_(hyper.generators), workers_(workers), weights_(hyper.architecture.nodes.size()) {
        const std::vector<int> convs = predictedLayers(hyper.architecture);
        for (size_t l = 0; l < convs.size(); ++l) {
            const Node& node = hyper.architecture.nodes[size_t(convs[l])];
            LayerCode layer;
            layer.code = codes.data() + l * size_t(hyper.config.width);
            layer.conv = convs[l];
            layer.batchNorm = batchNormOf(hyper.architecture, convs[l]);
            layer.out = size_t(node.out);
            layer.in = size_t(kernelInputs(hyper.architecture, node));
            layer.depthwise = isDepthwise(node);
            layer.window = size_t(node.kernel) * size_t(node.kernel);
            layers_.push_back(std::move(layer));
        }
    }

    NetworkWeights operator()() {
        for (size_t i = 0; i < weights_.size(); ++i) {
            weights_[i].gamma = generators_.base[i].gamma;
            weights_[i].beta = generators_.base[i].beta;
        }
        workers_.forEach(int(layers_.size()), [&](int l, int) { readCode(size_t(l)); });
        if (generators_.pure) {
            for (size_t l = 0; l < layers_.size(); ++l) writePure(l);
        } else {
            writeResidual();
        }
        return std::move(weights_);
    }

private:
    void readCode(size_t l) {
        const LayerGenerator& generator = generators_.layers[l];
        LayerCode& layer = layers_[l];
        layer.film = linear(generator.filmWeight, generator.filmBias, layer.code);
        layer.gains.resize(layer.in * layer.window);
        const size_t share = layer.depthwise ? 1 : layer.window;  // taps that have one gain
        for (size_t j = 0; j < layer.gains.size(); ++j) layer.gains[j] = 1 + layer.film[2 * layer.out + j / share];
        if (layer.batchNorm >= 0) {
            NodeWeights& batchNorm = weights_[size_t(layer.batchNorm)];
            for (size_t o = 0; o < layer.out; ++o) {
                batchNorm.gamma[o] *= 1 + layer.film[o];
                batchNorm.beta[o] += layer.film[layer.out + o];
            }
        }
        Tensor& kernel = weights_[size_t(layer.conv)].kernel;
        const int64_t edge = hyper_.architecture.nodes[size_t(layer.conv)].kernel;
        kernel.shape = {int64_t(layer.out), int64_t(layer.in), edge, edge};
        if (generators_.pure || generators_.rank == 0) return;
        const Values t = linear(generator.bottleneckWeight, Tensor(), layer.code);
        layer.u = linear(generator.outWeight, Tensor(), t.data());
        layer.v = linear(generator.inWeight, generator.inBias, t.data());
    }

    // Output channel by output channel: all of it is reading base weights and writing kernels.
    void writeResidual() {
        const size_t kRowsAtOnce = 32;
        struct Part {
            const LayerCode* layer;
            size_t first, end;
        };
        std::vector<Part> parts;
        for (const LayerCode& layer : layers_) {
            Tensor& kernel = weights_[size_t(layer.conv)].kernel;
            kernel.values.resize(layer.out * layer.gains.size());
            for (size_t first = 0; first < layer.out; first += kRowsAtOnce) {
                parts.push_back({&layer, first, std::min(layer.out, first + kRowsAtOnce)});
            }
        }
        workers_.forEach(int(parts.size()), [&](int index, int) {
            const Part& part = parts[size_t(index)];
            for (size_t o = part.first; o < part.end; ++o) writeRow(*part.layer, o);
        });
    }

    void writeRow(const LayerCode& layer, size_t o) {
        const size_t row = layer.gains.size(), rank = size_t(generators_.rank);
        Values factors(rank);
        for (size_t r = 0; r < rank; ++r) factors[r] = layer.u[r * layer.out + o];
        kernels().addRows(generators_.base[size_t(layer.conv)].kernel.values.data() + o * row, layer.gains.data(),
                          factors.data(), layer.v.data(), int(rank), int(row),
                          weights_[size_t(layer.conv)].kernel.values.data() + o * row);
    }

    // All tiles of the layer as columns of three matrix products.
    void writePure(size_t l) {
        const LayerCode& layer = layers_[l];
        const Tensor& embedding = generators_.layers[l].tileEmbedding;
        const TileGenerator& tile = generators_.tiles.at(hyper_.architecture.nodes[size_t(layer.conv)].kernel);
        const int width = int(embedding.shape[1]), tiles = int(embedding.shape[0]);
        const int hidden = int(tile.mixWeight.shape[0]), window = int(layer.window), columns = tiles * window;
        Buffer code(size_t(width) * size_t(tiles)), expanded(size_t(hidden * window) * size_t(tiles));
        for (size_t k = 0; k < size_t(width); ++k) {
            for (size_t t = 0; t < size_t(tiles); ++t) {
                code.data()[k * size_t(tiles) + t] = layer.code[k] + embedding.values[t * size_t(width) + k];
            }
        }
        multiply(tile.expandWeight.values.data(), hidden * window, width, code.data(), tiles, expanded.data(),
                 workers_);
        addBias(expanded, tile.expandBias, tiles);
        // hidden x (position, tile): the rows of `expanded` are already in this order.
        Buffer mixed(size_t(hidden) * size_t(columns));
        multiply(tile.mixWeight.values.data(), hidden, hidden, expanded.data(), columns, mixed.data(), workers_);
        addBias(mixed, tile.mixBias, columns);
        Buffer entries(tile.tileBias.values.size() * size_t(columns));
        multiply(tile.tileWeight.values.data(), int(tile.tileWeight.shape[0]), hidden, mixed.data(), columns,
                 entries.data(), workers_);
        assemble(layer, entries, tile.tileBias, size_t(tiles));
    }

    void addBias(Buffer& rows, const Tensor& bias, int columns) const {
        workers_.forEach(int(bias.values.size()), [&](int row, int) {
            float* values = rows.data() + size_t(row) * size_t(columns);
            for (int j = 0; j < columns; ++j) values[j] = gelu(values[j] + bias.values[size_t(row)]);
        });
    }

    // `entries`: (place in the tile) x (position, tile).
    void assemble(const LayerCode& layer, const Buffer& entries, const Tensor& bias, size_t tiles) {
        const size_t edge = size_t(generators_.tile), inTiles = (layer.in + edge - 1) / edge, window = layer.window;
        const float scale = float(std::sqrt(2.0 / double(layer.in * window)));
        std::vector<float>& kernel = weights_[size_t(layer.conv)].kernel.values;
        kernel.resize(layer.out * layer.in * window);
        workers_.forEach(int(layer.out), [&](int row, int) {
            const size_t o = size_t(row);
            for (size_t i = 0; i < layer.in; ++i) {
                const size_t place = layer.depthwise ? o % (edge * edge) : o % edge * edge + i % edge;
                const size_t tile = layer.depthwise ? o / (edge * edge) : o / edge * inTiles + i / edge;
                const float* from = entries.data() + place * window * tiles + tile;
                for (size_t k = 0; k < window; ++k) {
                    kernel[(o * layer.in + i) * window + k] =
                        (from[k * tiles] + bias.values[place]) * scale * layer.gains[i * window + k];
                }
            }
        });
    }

    const HyperNetwork& hyper_;
    const GeneratorParameters& generators_;
    const Workers& workers_;
    std::vector<LayerCode> layers_;
    NetworkWeights weights_;
};

}  // namespace

NetworkWeights generate(const HyperNetwork& hyper, const std::vector<float>& codes, const Workers& workers) {
    if (codes.empty()) return hyper.generators.base;
    return Generation(hyper, codes, workers)();
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
