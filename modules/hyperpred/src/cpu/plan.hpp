// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_PLAN_HPP
#define HYPERPRED_CPU_PLAN_HPP

#include <memory>
#include <vector>

#include "architecture.hpp"
#include "cpu/convolution.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

const int kImageStep = -1;  // stands for the normalised image where a step is expected
const int kNoStep = -2;

enum class Producer { Conv, MaxPool, AvgPool, GlobalPool, Copy };

// Several nodes that share one activation: what makes it, then, in place and in this order and each only where the
// architecture has it: a batch_norm, an addition and a relu. A max_pool that is the only reader of a convolution (with
// or without batch_norm and relu between) belongs to the convolution's step, so that the large map never leaves the
// cache; relu and batch-norm may follow the pooling, because they are monotonous.
struct Step {
    Producer producer = Producer::Copy;
    int node = -1;  // of the producer; -1 for Copy
    int source = kImageStep;
    int batchNorm = -1;   // node
    int pool = -1;        // node of the max_pool in a convolution's step
    int other = kNoStep;  // the second operand of the addition
    bool relu = false;
    int last = -1;         // node whose output the step's activation is
    Shape in, raw, shape;  // of the source, of what the producer makes, of the activation
    std::shared_ptr<const Convolution> convolution;
};

struct Plan {
    std::vector<Step> steps;                        // in topological order
    std::vector<int> stepOf;                        // of a stage (0-based): the step whose activation it is
    int chunk = 1;                                  // images that one worker takes through the network together
    size_t convolutionScratch = 0, rawScratch = 0;  // floats that a worker needs beside the activations
};

Plan makePlan(const Architecture& architecture);

// The steps that the stages (1-based) depend on.
std::vector<bool> neededSteps(const Plan& plan, const std::vector<int>& stages);

size_t elements(const Shape& shape);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
