// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_PLAN_HPP
#define HYPERPRED_CPU_PLAN_HPP

#include <memory>
#include <vector>

#include "architecture.hpp"
#include "cpu/convolution.hpp"
#include "fused_steps.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

// A max_pool belongs to the step of the convolution that it is the only reader of, so that the large map never leaves
// the cache; relu and batch-norm may follow the pooling, because they are monotonous.
struct Step : FusedStep {
    std::shared_ptr<const Convolution> convolution;
};

struct Plan {
    std::vector<Step> steps;                        // in topological order
    std::vector<int> stepOf;                        // of a stage (0-based): the step whose activation it is
    int chunk = 1;                                  // images that one worker takes through the network together
    size_t convolutionScratch = 0, rawScratch = 0;  // floats that a worker needs beside the activations
};

Plan makePlan(const Architecture& architecture);

size_t elements(const Shape& shape);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
