// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_PLAN_HPP
#define HYPERPRED_CUDA_PLAN_HPP

#include <vector>

#include "architecture.hpp"
#include "cuda/map_kernels.hpp"
#include "fused_steps.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// One launch.
struct Step : FusedStep {
    MapShape from, to;  // of the source, of the activation; padded
};

struct Plan {
    std::vector<Step> steps;  // in topological order
    std::vector<int> stepOf;  // of a stage (0-based)
};

Plan makePlan(const Architecture& architecture);

MapShape paddedShape(const Shape& shape);

// Bytes of activations for the images that pass together, from those of the whole device: a sixteenth, as a power of
// two, at most 512 MiB. The same for every device of a kind.
size_t chunkBudget(size_t deviceBytes);

// Images that pass together: a power of two, as many as fit into `bytes` with values of `valueBytes`, at most 256.
int chunkImages(const Architecture& architecture, size_t bytes, size_t valueBytes);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
