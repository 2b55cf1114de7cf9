// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HYPERNETWORK_HPP
#define HYPERPRED_HYPERNETWORK_HPP

#include <string>

#include "architecture.hpp"
#include "generators.hpp"
#include "model_file.hpp"
#include "recurrent.hpp"
#include "sketch.hpp"

namespace cv {
namespace hyperpred {

// How the hypernetwork is built: the JSON object "hypernetwork" in a model file's metadata (doc/model.md).
struct HyperConfig {
    std::string form = "residual";  // generators: "residual" or "pure" (the paper)
    std::string encoder = "stats";  // sketch: "stats" or "conv" (the paper's kind)
    int width = 256;                // d: sketch, hidden state and codes
    int layers = 1;                 // stacked GRU cells
    int embedding = 64;             // layer description embedding
    int rank = 8;                   // residual: low-rank kernels a layer
    int bottleneck = 16;            // residual: width between code and low-rank kernels
    int tile = 64;                  // pure: tile edge
    int tileHidden = 64;            // pure: hidden channels of a tile generator
    float sketchMix = 0.f;          // share of the sketch added to each hidden state before LayerNorm
};
HyperConfig parseHyperConfig(const std::string& json, const std::string& origin);
std::string toJson(const HyperConfig& config);

// Everything a model file holds, as plain float tensors.
struct HyperNetwork {
    Architecture architecture;
    HyperConfig config;
    SketchParameters sketch;
    RecurrentParameters recurrent;
    GeneratorParameters generators;  // with the base weights
    bool trained = true;             // false: only base weights were trained, the prediction equals the base
    std::string training;            // training summary, JSON
};

HyperNetwork loadHyperNetwork(const ModelFile& file);

// A model file of these weights alone ("trained": false): what predicts with it, or trains from it, starts there.
// `training` is the summary, JSON. Means and variances are left out: batch-norm is calibrated on whatever comes.
void writeBaseModel(const std::string& path, const Architecture& architecture, const NetworkWeights& weights,
                    const std::string& training);

}  // namespace hyperpred
}  // namespace cv

#endif
