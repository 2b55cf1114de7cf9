// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_CLASSIFIER_ACCURACY_HPP
#define HYPERPRED_TRAIN_CLASSIFIER_ACCURACY_HPP

#include <vector>

#include "label_space.hpp"
#include "packed_data.hpp"
#include "target_network.hpp"

namespace cv {
namespace hyperpred {

// Test sets, each given the labels of the training set of its name. Throws where there is none or where its classes
// are others.
std::vector<DataSet> matchTests(std::vector<DataSet> tests, const std::vector<DataSet>& training);

// Share of `test` that the linear classifier on the last stage's means names rightly, out of the classes that compete
// in its set. Batch-norm has constant statistics, those of up to 1,000 training images, as a network that is used has.
double classifierAccuracy(const Architecture& architecture, const Named& parameters, const LabelSpace& space,
                          const std::vector<DataSet>& training, const DataSet& test, bool bf16,
                          const torch::Device& device);

}  // namespace hyperpred
}  // namespace cv

#endif
