// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cmath>

#include "cpu/hypernetwork_pass.hpp"
#include "cpu/matrix.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

using Values = std::vector<float>;

Values layerNorm(const Tensor& weight, const Tensor& bias, const Values& x) {
    const double kEpsilon = 1e-5;
    double mean = 0, squares = 0;
    for (const float value : x) mean += double(value);
    mean /= double(x.size());
    for (const float value : x) squares += (double(value) - mean) * (double(value) - mean);
    const double scale = 1 / std::sqrt(squares / double(x.size()) + kEpsilon);
    Values y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        y[i] = float((double(x[i]) - mean) * scale * double(weight.values[i]) + double(bias.values[i]));
    }
    return y;
}

double sigmoid(float x) {
    return 1 / (1 + std::exp(-double(x)));
}

// Gates r, z, n. The transcendental functions in double: 768 of them cost nothing, and errors add up over the layers.
Values gru(const RecurrentParameters::Cell& cell, const Values& x, const Values& h) {
    const Values fromInput = linear(cell.inputWeight, cell.inputBias, x.data());
    const Values fromHidden = linear(cell.hiddenWeight, cell.hiddenBias, h.data());
    const size_t d = h.size();
    Values next(d);
    for (size_t i = 0; i < d; ++i) {
        const double r = sigmoid(fromInput[i] + fromHidden[i]);
        const double z = sigmoid(fromInput[d + i] + fromHidden[d + i]);
        const double n = std::tanh(double(fromInput[2 * d + i]) + r * double(fromHidden[2 * d + i]));
        next[i] = float((1 - z) * n + z * double(h[i]));
    }
    return next;
}

}  // namespace

// One thread: a layer needs the one before, and the cell's two megabytes stay in the cache for all of them.
std::vector<float> unroll(const RecurrentParameters& parameters, const std::vector<float>& sketch) {
    std::vector<Values> hidden(parameters.cells.size(), sketch);
    Values output = layerNorm(parameters.normWeight, parameters.normBias, sketch);
    Values codes;
    for (size_t layer = 0; layer < size_t(parameters.descriptions.shape[0]); ++layer) {
        const float* description = parameters.descriptions.values.data() + layer * kDescriptionSize;
        Values x = linear(parameters.embedWeight, parameters.embedBias, description);
        for (float& value : x) value = float(std::tanh(double(value)));
        x.insert(x.end(), output.begin(), output.end());
        for (size_t cell = 0; cell < hidden.size(); ++cell) {
            hidden[cell] = gru(parameters.cells[cell], x, hidden[cell]);
            x = hidden[cell];
        }
        for (size_t i = 0; i < x.size(); ++i) x[i] += parameters.sketchMix * sketch[i];
        output = layerNorm(parameters.normWeight, parameters.normBias, x);
        codes.insert(codes.end(), output.begin(), output.end());
    }
    return codes;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
