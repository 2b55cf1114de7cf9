// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_REFINE_HPP
#define HYPERPRED_TRAIN_REFINE_HPP

#include <string>
#include <vector>

#include "settings.hpp"

namespace cv {
namespace hyperpred {

// Configuration of a short stage 1 from the base weights of the model file `start` on all images of `packed`, to become
// the model file `out`. The run's folder, `out` with ".run" for ".safetensors", gets the architecture's document.
// Refuses a folder that holds checkpoints.
Settings refineSettings(const std::string& start, const std::string& packed, const std::string& out,
                        const std::vector<std::string>& overrides);

}  // namespace hyperpred
}  // namespace cv

#endif
