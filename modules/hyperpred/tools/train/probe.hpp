// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_PROBE_HPP
#define HYPERPRED_TRAIN_PROBE_HPP

#include <torch/torch.h>

#include "packed_data.hpp"
#include "target_network.hpp"

namespace cv {
namespace hyperpred {

// The last three stages, pooled by root mean square, side by side: the features of heads in training and validation,
// and by default of a prediction.
torch::Tensor headFeatures(const StageOutputs& stages);

// How well classes the training never saw can be told apart: features of up to 200 images a class (batch statistics
// over chunks of them), a ridge classifier on the first 100, its accuracy on the others. It uses no chance.
double probeAccuracy(const Architecture& architecture, const Named& parameters, const DataSet& held, bool bf16,
                     const torch::Device& device);

}  // namespace hyperpred
}  // namespace cv

#endif
