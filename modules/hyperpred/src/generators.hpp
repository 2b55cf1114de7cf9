// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_GENERATORS_HPP
#define HYPERPRED_GENERATORS_HPP

#include <map>
#include <vector>

#include "architecture.hpp"
#include "model_file.hpp"

namespace cv {
namespace hyperpred {

struct HyperConfig;

const float kBatchNormEpsilon = 1e-5f;

// The weights of one node. Conv: kernel O x I x k x k. BatchNorm: gamma, beta and, after calibration, mean and
// variance (population) of its input.
struct NodeWeights {
    Tensor kernel;
    std::vector<float> gamma, beta, mean, variance;
};
using NetworkWeights = std::vector<NodeWeights>;  // one entry a node of the architecture

// Node index of the batch_norm that normalises the output of convolution `conv` alone, or -1.
int batchNormOf(const Architecture& architecture, int conv);

// Numbers a of convolution `conv`: one an input channel, or one a tap where it is depthwise, since a gain of its only
// input would be one of its output, which batch-norm cancels.
int gainCount(const Architecture& architecture, const Node& conv);
// Tiles of the pure form that its kernel is cut from. Of a depthwise one each tile gives as many channels as it has
// entries.
int64_t tileCount(const Architecture& architecture, const Node& conv, int64_t tileEdge);

// What turns layer l's code into its weights; formulas in doc/model.md. I: input channels under one output channel.
struct LayerGenerator {
    Tensor filmWeight, filmBias;          // (2 O + gainCount) x d: gamma, beta and input gains
    Tensor bottleneckWeight;              // residual: b x d
    Tensor outWeight;                     // residual: (rank O) x b, no bias: zero at start
    Tensor inWeight, inBias;              // residual: (rank I k k) x b
    Tensor tileEmbedding;                 // pure: tiles x d, row = outTile * inTiles + inTile
};
struct TileGenerator {                    // pure: one a kernel edge k
    Tensor expandWeight, expandBias;      // (hidden k k) x d
    Tensor mixWeight, mixBias;            // hidden x hidden
    Tensor tileWeight, tileBias;          // (tile tile) x hidden
};
struct GeneratorParameters {
    bool pure = false;
    int rank = 0, bottleneck = 0, tile = 0, tileHidden = 0;
    NetworkWeights base;                  // pure: no kernels, gamma 1, beta 0
    std::vector<LayerGenerator> layers;   // one a predicted layer
    std::map<int, TileGenerator> tiles;   // by kernel edge
};
// `trained` false: only the base weights are in the file.
GeneratorParameters readGenerators(const ModelFile& file, const HyperConfig& config, const Architecture& architecture,
                                   bool trained = true);

}  // namespace hyperpred
}  // namespace cv

#endif
