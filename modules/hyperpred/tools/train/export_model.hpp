// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_EXPORT_MODEL_HPP
#define HYPERPRED_TRAIN_EXPORT_MODEL_HPP

#include <string>

#include "checkpoint.hpp"

namespace cv {
namespace hyperpred {

// Writes the runtime's model file (doc/model.md) in half precision from a checkpoint's averaged weights, or from the
// raw ones. A checkpoint of stage 1 gives a file whose hypernetwork is "trained": false.
void exportModel(TrainState& state, const std::string& path, bool raw);

// Writes what a prediction with that file must give, in float: images (N x S x S, blue + 256 green +
// 65536 red), labels, sketch, codes, every predicted kernel,
// gamma and beta, the calibrated mean and variance, and the features (tensor names: doc/training.md). Weights are
// rounded to half precision first, since that is what the file holds.
void exportGolden(TrainState& state, const std::string& path, bool raw);

}  // namespace hyperpred
}  // namespace cv

#endif
