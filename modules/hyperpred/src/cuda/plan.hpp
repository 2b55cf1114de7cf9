// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_PLAN_HPP
#define HYPERPRED_CUDA_PLAN_HPP

#include <vector>

#include "architecture.hpp"
#include "cuda/map_kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

const int kImageStep = -1;  // stands for the normalised image where a step is expected
const int kNoStep = -2;

// Several nodes that share one activation: what makes it, then, in this order and each only where the architecture has
// it, a batch_norm, an addition and a relu, all of them one launch.
struct Step {
    Op op = Op::Conv;  // Conv, MaxPool, AvgPool, GlobalPool; anything else: a copy of the source
    int node = -1;     // that makes the activation; of a copy, the first that works on it
    int source = kImageStep;
    int batchNorm = -1;   // node
    int other = kNoStep;  // the second operand of the addition
    bool relu = false;
    int last = -1;      // node whose output the activation is
    MapShape from, to;  // of the source, of the activation; padded
};

struct Plan {
    std::vector<Step> steps;  // in topological order
    std::vector<int> stepOf;  // of a stage (0-based)
};

Plan makePlan(const Architecture& architecture);

// The steps that the stages (1-based) depend on.
std::vector<bool> neededSteps(const Plan& plan, const std::vector<int>& stages);

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
