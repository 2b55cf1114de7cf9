// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_MEAN_CLASSIFIER_HPP
#define HYPERPRED_TRAIN_MEAN_CLASSIFIER_HPP

#include <vector>

#include "packed_data.hpp"
#include "target_network.hpp"

namespace cv {
namespace hyperpred {

// Gives base weights the nearest-mean classifier on the last stage's means, which is right from the first step on:
// "classifier.weight" and "classifier.bias" of all classes of all sets, from a few images of each.
void addMeanClassifier(const Architecture& architecture, const std::vector<DataSet>& sets, bool bf16,
                       const torch::Device& device, Named& parameters);

}  // namespace hyperpred
}  // namespace cv

#endif
