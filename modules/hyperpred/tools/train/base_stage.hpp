// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_BASE_STAGE_HPP
#define HYPERPRED_TRAIN_BASE_STAGE_HPP

#include "checkpoint.hpp"
#include "settings.hpp"

namespace cv {
namespace hyperpred {

// Stage 1: the base weights by ordinary classification over all classes of all data sets. `from` is null for a fresh
// start. Returns true when the training is complete, false when it was stopped early with a checkpoint written.
bool runBaseStage(const Settings& settings, TrainState* from);

}  // namespace hyperpred
}  // namespace cv

#endif
