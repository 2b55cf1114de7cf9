// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_RECURRENT_HPP
#define HYPERPRED_RECURRENT_HPP

#include <vector>

#include "architecture.hpp"
#include "model_file.hpp"

namespace cv {
namespace hyperpred {

struct HyperConfig;

const int kDescriptionSize = 10;

// What the recurrent cell is told of layer l: stem?, shortcut (1 x 1)?, kernel / 7, log2 stride, log2 channels in / 10
// (those that one output channel sees: 1 of a depthwise layer), log2 channels out / 10, log2 output edge / 6, position
// l / L, first of its resolution?, 1.
std::vector<float> describeLayer(const Architecture& architecture, int layer);  // index into predictedLayers

// One GRU cell shared by all layers (paper section 3.3). Gate order r, z, n as torch::nn::GRUCell.
struct RecurrentParameters {
    int width = 0;       // d
    float sketchMix = 0;
    Tensor descriptions;             // L x kDescriptionSize
    Tensor embedWeight, embedBias;   // e x kDescriptionSize
    struct Cell {
        Tensor inputWeight, inputBias;    // 3 d x in (in = e + d for the first cell, d above)
        Tensor hiddenWeight, hiddenBias;  // 3 d x d
    };
    std::vector<Cell> cells;
    Tensor normWeight, normBias;     // LayerNorm of the output, d
};
RecurrentParameters readRecurrent(const ModelFile& file, const HyperConfig& config, const Architecture& architecture);

}  // namespace hyperpred
}  // namespace cv

#endif
