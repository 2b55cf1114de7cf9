// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_CHECKPOINT_HPP
#define HYPERPRED_TRAIN_CHECKPOINT_HPP

#include <torch/torch.h>

#include <string>
#include <vector>

#include "target_network.hpp"

namespace cv {
namespace hyperpred {

// Everything a run needs to go on as if it had never stopped.
struct TrainState {
    std::string stage;                    // "base" or "meta"
    std::string settings;                 // the configuration's document
    std::string summary = "{}";           // JSON: validation results, kept for the model file's training summary
    std::vector<std::string> classNames;  // "set/class", in the order of the classifier's rows
    int64_t step = 0, images = 0;
    double seconds = 0;
    Named parameters, average, optimiser;
    torch::Tensor chance;  // state of the random generator

    Named& weights(bool raw) { return raw ? parameters : average; }
    // Kernels in channels-last order, as convolutions like them.
    void moveTo(const torch::Device& device);
};

// Writes FOLDER/checkpoint-STEP.pt whole or not at all and then removes all but the newest two.
void saveCheckpoint(const std::string& folder, const TrainState& state);

// `path`: a checkpoint, or a folder whose newest one is meant.
TrainState loadCheckpoint(const std::string& path);
std::string newestCheckpoint(const std::string& folder);  // empty where there is none
// Refuses to go on from `state` with other classes than those it was trained on, and in a folder that holds a later
// checkpoint: what the run would write there would not be the newest.
void requireResumable(const TrainState& state, const std::vector<std::string>& classNames, const std::string& folder);

// Base weights (and a classifier, where there is one, with `classNames`) to start from: a checkpoint's averaged
// weights, or a safetensors file with the tensors "base.*". Shapes must be those of the architecture.
struct StartWeights {
    Named parameters;
    std::vector<std::string> classNames;
    std::string summary = "{}";
};
StartWeights readStartWeights(const std::string& path, const Architecture& architecture);

}  // namespace hyperpred
}  // namespace cv

#endif
