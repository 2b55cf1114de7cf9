// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_META_STAGE_HPP
#define HYPERPRED_TRAIN_META_STAGE_HPP

#include "checkpoint.hpp"
#include "settings.hpp"

namespace cv {
namespace hyperpred {

// Stage 2: the hypernetwork on tasks (doc/training.md). `from` is null for a fresh start, which begins with the
// weights of meta.init. Returns true when the training is complete, false when it was stopped early with a checkpoint
// written.
bool runMetaStage(const Settings& settings, TrainState* from);

}  // namespace hyperpred
}  // namespace cv

#endif
