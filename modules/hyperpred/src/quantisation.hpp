// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_QUANTISATION_HPP
#define HYPERPRED_QUANTISATION_HPP

#include <cstdint>
#include <vector>

#include "net.hpp"

namespace cv {
namespace hyperpred {

// Weights use one bit less than they have: x86 processors without VNNI add two products of a weight and an activation
// in 16 bits and saturate. 2 * 255 * 64 < 2^15, so the numbers are the same on every processor (doc/edge.md).
const int kMostInt8Weight = 64;

// Of a node's output over the calibration images.
struct ActivationRange {
    float low = 0, high = 0;
};

// The integer q, 0..255, stands for (q - zero) step. Unsigned: onnxruntime makes signed maps unsigned on x86, and
// leaves convolutions in float where a map with two readers stops it.
struct Int8Map {
    float step = 0;  // 0: the tensor stays float
    int zero = 0;
};
// Such that 0 is exact, as zero padding needs it, and the range is covered.
Int8Map int8Map(const ActivationRange& range);

// A convolution in integers: each output channel (row) with a step of its own.
struct Int8Convolution {
    std::vector<int8_t> kernel;    // as NetNode::weight, within +-kMostInt8Weight
    std::vector<float> steps;      // O
    std::vector<int32_t> bias;     // O, in units of biasSteps
    std::vector<float> biasSteps;  // O: step of the input times that of the row, as QuantizeLinear's users expect
};
Int8Convolution int8Convolution(const NetNode& node, float inputStep);

struct Quantisation {
    std::vector<Int8Map> maps;                  // of the output of each node of the graph
    std::vector<Int8Convolution> convolutions;  // of each node; empty where it is no convolution of int8 input
};

// Nodes whose outputs become int8: all maps up to the stages, the sums of residual blocks included, but where a relu
// alone reads the output, the relu's. Pooled features and the head stay float.
std::vector<int> int8Nodes(const NetGraph& graph);

// `ranges`: of each node of the graph; only those of int8Nodes count.
Quantisation quantise(const NetGraph& graph, const std::vector<ActivationRange>& ranges);

}  // namespace hyperpred
}  // namespace cv

#endif
