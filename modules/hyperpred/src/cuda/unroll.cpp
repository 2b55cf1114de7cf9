// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/unroll.hpp"

#include <cmath>

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

// The first cell's input is [e_l; o]: columns e .. e + d - 1 of its weight, d of them.
std::vector<float> stateColumns(const Tensor& weight, size_t embedding, size_t width) {
    std::vector<float> part;
    const size_t columns = embedding + width;
    for (size_t row = 0; row < size_t(weight.shape[0]); ++row) {
        const float* from = weight.values.data() + row * columns + embedding;
        part.insert(part.end(), from, from + width);
    }
    return part;
}

// Two matrices of 3 d x d, one below the other, column after column.
std::vector<float> columnsOf(const std::vector<float>& upper, const std::vector<float>& lower, size_t width) {
    std::vector<float> all(6 * width * width);
    for (size_t row = 0; row < 6 * width; ++row) {
        const float* from = row < 3 * width ? upper.data() + row * width : lower.data() + (row - 3 * width) * width;
        for (size_t column = 0; column < width; ++column) all[column * 6 * width + row] = from[column];
    }
    return all;
}

// bias + W_e tanh(We desc_l + be) for each layer: what the descriptions add does not depend on the sketch.
std::vector<float> describedBiases(const RecurrentParameters& parameters) {
    const size_t embedding = parameters.embedBias.values.size(), width = size_t(parameters.width);
    const RecurrentParameters::Cell& cell = parameters.cells[0];
    std::vector<float> biases;
    for (size_t layer = 0; layer < size_t(parameters.descriptions.shape[0]); ++layer) {
        std::vector<double> e(embedding);
        for (size_t i = 0; i < embedding; ++i) {
            double sum = double(parameters.embedBias.values[i]);
            for (size_t k = 0; k < size_t(kDescriptionSize); ++k) {
                sum += double(parameters.embedWeight.values[i * kDescriptionSize + k]) *
                       double(parameters.descriptions.values[layer * kDescriptionSize + k]);
            }
            e[i] = std::tanh(sum);
        }
        for (size_t row = 0; row < 3 * width; ++row) {
            double sum = double(cell.inputBias.values[row]);
            const float* weight = cell.inputWeight.values.data() + row * (embedding + width);
            for (size_t i = 0; i < embedding; ++i) sum += double(weight[i]) * e[i];
            biases.push_back(float(sum));
        }
    }
    return biases;
}

}  // namespace

Unroll::Unroll(const RecurrentParameters& parameters, MemoryPool& pool)
    : pool_(pool),
      width_(parameters.width),
      layers_(int(parameters.descriptions.shape[0])),
      mix_(parameters.sketchMix) {
    const size_t width = size_t(width_);
    for (size_t i = 0; i < parameters.cells.size(); ++i) {
        const RecurrentParameters::Cell& from = parameters.cells[i];
        Cell cell;
        if (i == 0) {
            cell.inputWeight = pool.upload(stateColumns(from.inputWeight, parameters.embedBias.values.size(), width));
            cell.inputBias = pool.upload(describedBiases(parameters));
        } else {
            cell.inputWeight = pool.upload(from.inputWeight.values);
            cell.inputBias = pool.upload(from.inputBias.values);
        }
        cell.hiddenWeight = pool.upload(from.hiddenWeight.values);
        cell.hiddenBias = pool.upload(from.hiddenBias.values);
        cell.hidden = pool.takeOf<float>(width);
        cells_.push_back(std::move(cell));
    }
    normWeight_ = pool.upload(parameters.normWeight.values);
    normBias_ = pool.upload(parameters.normBias.values);
    sketch_ = pool.takeOf<float>(width);
    start_ = pool.takeOf<float>(width);
    products_ = pool.takeOf<float>(6 * width);
    codes_ = pool.takeOf<float>(size_t(layers_) * width);
    if (UnrollCluster::fits(width_, int(cells_.size())) && pool.device().runsClusters()) {
        prepareCluster(parameters);
    } else {
        recording_ = pool.device().record([this] { launchAll(); });
    }
}

void Unroll::prepareCluster(const RecurrentParameters& parameters) {
    step_ = pool_.takeOf<float>(2 * 6 * size_t(width_));
    for (size_t i = 0; i < cells_.size(); ++i) {
        const RecurrentParameters::Cell& from = parameters.cells[i];
        const std::vector<float> input =
            i == 0 ? stateColumns(from.inputWeight, parameters.embedBias.values.size(), size_t(width_))
                   : from.inputWeight.values;
        byColumn_[i] = pool_.upload(columnsOf(input, from.hiddenWeight.values, size_t(width_)));
        cluster_.cells[i].weight = byColumn_[i].floats();
        cluster_.cells[i].inputBias = cells_[i].inputBias.floats();
        cluster_.cells[i].hiddenBias = cells_[i].hiddenBias.floats();
    }
    cluster_.cellCount = int(cells_.size());
    cluster_.layers = layers_;
    cluster_.width = width_;
    cluster_.mix = mix_;
    cluster_.sketch = sketch_.floats();
    cluster_.normWeight = normWeight_.floats();
    cluster_.normBias = normBias_.floats();
    cluster_.products = step_.floats();
    cluster_.codes = codes_.floats();
}

std::vector<float> Unroll::operator()(const std::vector<float>& sketch) const {
    pool_.device().upload(sketch_.floats(), sketch.data(), sketch.size() * sizeof(float));
    if (recording_) {
        pool_.device().replay(*recording_);
    } else {
        launch(pool_.device(), cluster_);
    }
    std::vector<float> codes(size_t(layers_) * size_t(width_));
    pool_.device().download(codes.data(), codes_.floats(), codes.size() * sizeof(float));
    return codes;
}

void Unroll::launchAll() const {
    const size_t bytes = size_t(width_) * sizeof(float);
    for (const Cell& cell : cells_) pool_.device().copy(cell.hidden.floats(), sketch_.floats(), bytes);
    launchNorm(sketch_, false, start_.floats());
    const float* output = start_.floats();
    for (int layer = 0; layer < layers_; ++layer) {
        for (size_t i = 0; i < cells_.size(); ++i) {
            launchCell(i, layer, i == 0 ? output : cells_[i - 1].hidden.floats());
        }
        float* code = codes_.floats() + int64_t(layer) * width_;
        launchNorm(cells_.back().hidden, mix_ != 0, code);
        output = code;
    }
}

void Unroll::launchCell(size_t index, int layer, const float* input) const {
    const Cell& cell = cells_[index];
    GruProducts products{};
    LongRows& fromInput = products.fromInput;
    fromInput.weight = cell.inputWeight.floats();
    fromInput.bias = cell.inputBias.floats() + (index == 0 ? int64_t(layer) * 3 * width_ : 0);
    fromInput.x = input;
    fromInput.y = products_.floats();
    fromInput.rows = 3 * int64_t(width_);
    fromInput.columns = width_;
    LongRows& fromHidden = products.fromHidden;
    fromHidden = fromInput;
    fromHidden.weight = cell.hiddenWeight.floats();
    fromHidden.bias = cell.hiddenBias.floats();
    fromHidden.x = cell.hidden.floats();
    fromHidden.y = products_.floats() + fromInput.rows;
    launch(pool_.device(), products);

    GruGates gates{};
    gates.fromInput = fromInput.y;
    gates.fromHidden = fromHidden.y;
    gates.hidden = cell.hidden.floats();
    gates.width = width_;
    launch(pool_.device(), gates);
}

void Unroll::launchNorm(const Memory& hidden, bool mixed, float* out) const {
    NormRow norm{};
    norm.hidden = hidden.floats();
    norm.sketch = mixed ? sketch_.floats() : nullptr;
    norm.mix = mix_;
    norm.weight = normWeight_.floats();
    norm.bias = normBias_.floats();
    norm.out = out;
    norm.width = width_;
    launch(pool_.device(), norm);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
