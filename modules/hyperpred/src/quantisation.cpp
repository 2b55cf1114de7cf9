// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "quantisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kMostBias = 1 << 30;  // of an int32, with room for the sum of products
// Steps below it lose digits, and a product of two of them is zero.
const float kLeastStep = std::numeric_limits<float>::min();

float rounded(float value) {
    const float big = 12582912.f;  // 1.5 * 2^23: to the nearest, ties to even, in registers
    return (value + big) - big;
}

// Squared error of a row rounded to multiples of `step`.
double squaredError(const float* row, size_t count, float step) {
    double error = 0;
    const float most = float(kMostInt8Weight), inverse = 1 / step;
    for (size_t i = 0; i < count; ++i) {
        const float q = std::min(most, std::max(-most, rounded(row[i] * inverse)));
        const float apart = row[i] - q * step;
        error += double(apart * apart);
    }
    return error;
}

// Of steps that cut off up to half of the greatest weight, the one of the least squared error.
float bestStep(const float* row, size_t count) {
    float greatest = 0;
    for (size_t i = 0; i < count; ++i) greatest = std::max(greatest, std::abs(row[i]));
    const float whole = greatest / float(kMostInt8Weight);
    if (!(whole >= kLeastStep)) return 1;
    float best = whole;
    double least = squaredError(row, count, whole);
    for (int percent = 95; percent >= 50; percent -= 5) {
        const float step = whole * float(percent) / 100;
        const double error = step > 0 ? squaredError(row, count, step) : least;
        if (error < least) {
            least = error;
            best = step;
        }
    }
    return best;
}

bool isMapOp(NetOp op) {
    return op == NetOp::Affine || op == NetOp::Conv || op == NetOp::Relu || op == NetOp::Add || op == NetOp::MaxPool ||
           op == NetOp::AvgPool;
}

}  // namespace

Int8Map int8Map(const ActivationRange& range) {
    const double low = std::min(0.0, double(range.low)), high = std::max(0.0, double(range.high));
    Int8Map map;
    map.step = float((high - low) / 255);
    if (!(map.step >= kLeastStep)) {  // nothing but zeros
        map.step = 1;
        return map;
    }
    map.zero = int(std::min(255.0, std::nearbyint(-low / double(map.step))));
    return map;
}

Int8Convolution int8Convolution(const NetNode& node, float inputStep) {
    Int8Convolution result;
    const size_t rows = node.bias.size(), count = node.weight.size() / rows;
    result.kernel.resize(node.weight.size());
    for (size_t o = 0; o < rows; ++o) {
        const float* row = node.weight.data() + o * count;
        // A row of tiny weights gets a step for which the bias still fits.
        const float enough = float(double(std::abs(node.bias[o])) / (double(inputStep) * kMostBias));
        const float step = std::max(bestStep(row, count), enough);
        for (size_t i = 0; i < count; ++i) {
            const float q = std::min(float(kMostInt8Weight), std::max(-float(kMostInt8Weight), rounded(row[i] / step)));
            result.kernel[o * count + i] = int8_t(q);
        }
        result.steps.push_back(step);
        result.biasSteps.push_back(inputStep * step);
        const double biasStep = double(result.biasSteps.back());
        result.bias.push_back(biasStep > 0 ? int32_t(std::nearbyint(double(node.bias[o]) / biasStep)) : 0);
    }
    return result;
}

std::vector<int> int8Nodes(const NetGraph& graph) {
    std::vector<int> readers(graph.nodes.size(), 0), relus(graph.nodes.size(), 0);
    for (const NetNode& node : graph.nodes) {
        for (const int input : node.inputs) {
            if (input == kImageInput) continue;
            ++readers[size_t(input)];
            relus[size_t(input)] += node.op == NetOp::Relu;
        }
    }
    std::vector<int> nodes;
    for (int i = 0; i < graph.features; ++i) {
        const bool absorbed = readers[size_t(i)] == 1 && relus[size_t(i)] == 1;
        if (isMapOp(graph.nodes[size_t(i)].op) && !absorbed) nodes.push_back(i);
    }
    return nodes;
}

Quantisation quantise(const NetGraph& graph, const std::vector<ActivationRange>& ranges) {
    if (ranges.size() != graph.nodes.size()) fail(Failure::Internal, "quantise: one range a node is expected");
    Quantisation result;
    result.maps.resize(graph.nodes.size());
    result.convolutions.resize(graph.nodes.size());
    for (const int index : int8Nodes(graph)) {
        const NetNode& node = graph.nodes[size_t(index)];
        const ActivationRange& range = ranges[size_t(index)];
        if (!std::isfinite(range.low) || !std::isfinite(range.high)) {
            fail(Failure::OutOfRange,
                 "layer \"" + node.name + "\": its output over the calibration images is not finite");
        }
        // The greatest of some integers is one of them: the pool keeps its input's map.
        const int input = node.inputs.front();
        const bool keeps = node.op == NetOp::MaxPool && input != kImageInput && result.maps[size_t(input)].step > 0;
        result.maps[size_t(index)] = keeps ? result.maps[size_t(input)] : int8Map(range);
    }
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const NetNode& node = graph.nodes[i];
        if (node.op != NetOp::Conv || node.inputs.front() == kImageInput) continue;
        const float step = result.maps[size_t(node.inputs.front())].step;
        if (step > 0) result.convolutions[i] = int8Convolution(node, step);
    }
    return result;
}

}  // namespace hyperpred
}  // namespace cv
