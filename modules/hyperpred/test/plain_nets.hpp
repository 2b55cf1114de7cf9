// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_PLAIN_NETS_HPP
#define HYPERPRED_TEST_PLAIN_NETS_HPP

#include "small_nets.hpp"

// One image through a NetGraph, and through the architecture it was built from, by plain loops in double.

namespace cv {
namespace hyperpred {
namespace test {

struct Outputs {
    Values features, logits, familiarity, probabilities;
};

inline Values unitLength(Values values) {
    double squares = 0;
    for (const double value : values) squares += value * value;
    for (double& value : values) value /= std::max(std::sqrt(squares), kLeastFeatureNorm);
    return values;
}

inline Values softmax(Values values) {
    const double greatest = *std::max_element(values.begin(), values.end());
    double total = 0;
    for (double& value : values) total += value = std::exp(value - greatest);
    for (double& value : values) value /= total;
    return values;
}

inline Values linear(const Values& input, const std::vector<float>& weight, const std::vector<float>& bias) {
    Values result(bias.begin(), bias.end());
    for (size_t o = 0; o < result.size(); ++o) {
        for (size_t i = 0; i < input.size(); ++i) result[o] += double(weight[o * input.size() + i]) * input[i];
    }
    return result;
}

// As head.hpp defines it.
inline Values familiarityOf(const Familiarity& known, const Values& features, const Values& logits) {
    const Values u = linear(features, known.white, known.whiteBias);
    Values result;
    for (size_t c = 0; c < logits.size(); ++c) {
        double distance = 0;
        for (size_t j = 0; j < u.size(); ++j) {
            const double apart = u[j] - double(known.means[c * u.size() + j]);
            distance += apart * apart;
        }
        result.push_back(double(known.logitScale) * logits[c] - double(known.distanceScale) * distance);
    }
    return result;
}

inline Values evaluateNode(const NetNode& node, const std::vector<const Values*>& inputs) {
    const Window window{node.kernel, node.stride, node.pad, node.in, node.shape};
    const Values& x = *inputs[0];
    const Values scale(node.weight.begin(), node.weight.end()), shift(node.bias.begin(), node.bias.end());
    Values joined;
    switch (node.op) {
        case NetOp::Affine: return affine(x, scale, shift);
        case NetOp::Conv: return affine(convolve(window, x, node.weight), Values(shift.size(), 1.0), shift);
        case NetOp::Relu: return relu(x);
        case NetOp::Add: return sum(x, *inputs[1]);
        case NetOp::MaxPool: return poolWindows(window, x, true);
        case NetOp::AvgPool: return poolWindows(window, x, false);
        case NetOp::GlobalPool: return spatialMean(x, node.in.channels);
        case NetOp::Square: return power(x, 2);
        case NetOp::Root: return power(x, 0.5);
        case NetOp::Concat:
            for (const Values* part : inputs) joined.insert(joined.end(), part->begin(), part->end());
            return joined;
        case NetOp::UnitLength: return unitLength(x);
        case NetOp::Linear: return linear(x, node.weight, node.bias);
        case NetOp::Softmax: return softmax(x);
    }
    return {};
}

// The output of each node; `change` (node, values) may alter one before others read it.
template <typename Change>
std::vector<Values> evaluateNodes(const NetGraph& graph, const Values& image, const Change& change) {
    std::vector<Values> values;
    for (const NetNode& node : graph.nodes) {
        std::vector<const Values*> inputs;
        for (const int input : node.inputs) inputs.push_back(input == kImageInput ? &image : &values[size_t(input)]);
        values.push_back(evaluateNode(node, inputs));
        change(values.size() - 1, values.back());
    }
    return values;
}

inline std::vector<Values> evaluateNodes(const NetGraph& graph, const Values& image) {
    return evaluateNodes(graph, image, [](size_t, Values&) {});
}

inline Outputs evaluateGraph(const NetGraph& graph, const Values& image) {
    const std::vector<Values> values = evaluateNodes(graph, image);
    return {values[size_t(graph.features)], values[size_t(graph.logits)], values[size_t(graph.familiarity)],
            values[size_t(graph.probabilities)]};
}

// Batch-norm as the definition says it, nothing folded.
inline Values batchNorm(const Values& x, const NodeWeights& weights) {
    Values scale, shift;
    for (size_t c = 0; c < weights.gamma.size(); ++c) {
        const double deviation = std::sqrt(double(weights.variance[c]) + 1e-5);
        scale.push_back(double(weights.gamma[c]) / deviation);
        shift.push_back(double(weights.beta[c]) - double(weights.mean[c]) * scale.back());
    }
    return affine(x, scale, shift);
}

inline Values evaluateLayer(const Architecture& architecture, const Node& node, const NodeWeights& weights,
                            const std::vector<const Values*>& inputs) {
    const Window window{node.kernel, node.stride, node.pad, inputShape(architecture, node), node.shape};
    switch (node.op) {
        case Op::Conv: return convolve(window, *inputs[0], weights.kernel.values);
        case Op::BatchNorm: return batchNorm(*inputs[0], weights);
        case Op::Relu: return relu(*inputs[0]);
        case Op::Add: return sum(*inputs[0], *inputs[1]);
        case Op::MaxPool: return poolWindows(window, *inputs[0], true);
        case Op::AvgPool: return poolWindows(window, *inputs[0], false);
        case Op::GlobalPool: return spatialMean(*inputs[0], node.shape.channels);
    }
    return {};
}

inline Outputs evaluateArchitecture(const Architecture& architecture, const NetworkWeights& weights,
                                    const FeatureChoice& choice, const Head& head, const Values& image) {
    Values scale, shift;
    for (int c = 0; c < 3; ++c) {
        scale.push_back(1 / double(architecture.deviation[c]));
        shift.push_back(-double(architecture.mean[c]) * scale.back());
    }
    const Values normalised = affine(image, scale, shift);
    std::vector<Values> values;
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        std::vector<const Values*> inputs;
        for (const int input : architecture.nodes[i].inputs) {
            inputs.push_back(input == kImageInput ? &normalised : &values[size_t(input)]);
        }
        values.push_back(evaluateLayer(architecture, architecture.nodes[i], weights[i], inputs));
    }
    Outputs outputs;
    for (const int stage : choice.stages) {
        const size_t node = size_t(architecture.stages[size_t(stage) - 1]);
        const int channels = architecture.nodes[node].shape.channels;
        const bool rms = choice.pooling == Pooling::Rms;
        const Values pooled =
            rms ? power(spatialMean(power(values[node], 2), channels), 0.5) : spatialMean(values[node], channels);
        outputs.features.insert(outputs.features.end(), pooled.begin(), pooled.end());
    }
    outputs.logits = linear(head.normalise ? unitLength(outputs.features) : outputs.features, head.weight, head.bias);
    outputs.familiarity = familiarityOf(head.familiarity, outputs.features, outputs.logits);
    outputs.probabilities = softmax(outputs.logits);
    return outputs;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
