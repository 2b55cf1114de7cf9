// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FUSED_STEPS_HPP
#define HYPERPRED_FUSED_STEPS_HPP

#include <vector>

#include "architecture.hpp"

namespace cv {
namespace hyperpred {

const int kImageStep = -1;  // stands for the normalised image where a step is expected
const int kNoStep = -2;

// Several nodes that share one activation: what makes it, then, in this order and each only where the architecture has
// it, a batch_norm, an addition and a relu.
struct FusedStep {
    Op op = Op::Conv;  // Conv, MaxPool, AvgPool, GlobalPool; anything else: a copy of the source
    int node = -1;     // that makes the activation; of a copy, the first that works on it
    int source = kImageStep;
    int batchNorm = -1;   // node
    int pool = -1;        // node of the max_pool in a convolution's step
    int other = kNoStep;  // the second operand of the addition
    bool relu = false;
    int last = -1;         // node whose output the activation is
    Shape in, raw, shape;  // of the source, of what `node` makes, of the activation
};

struct FusedSteps {
    std::vector<FusedStep> steps;  // in topological order
    std::vector<int> stepOf;       // of a stage (0-based): the step whose activation it is
};

enum class Pools { Apart, InConvolutions };

// A node joins the step of its input where nothing else reads that. With Pools::InConvolutions so does a max_pool that
// is the only reader of a convolution, with or without batch_norm and relu between; relu may follow the pooling too.
FusedSteps fuseNodes(const Architecture& architecture, Pools pools);

// The steps that the stages (1-based) depend on. Step: FusedStep or what a backend makes of it.
template <typename Step>
std::vector<bool> neededSteps(const std::vector<Step>& steps, const std::vector<int>& stepOf,
                              const std::vector<int>& stages) {
    std::vector<bool> needed(steps.size(), false);
    for (const int stage : stages) needed[size_t(stepOf[size_t(stage) - 1])] = true;
    for (size_t i = needed.size(); i-- > 0;) {
        if (!needed[i]) continue;
        for (const int before : {steps[i].source, steps[i].other}) {
            if (before >= 0) needed[size_t(before)] = true;
        }
    }
    return needed;
}

}  // namespace hyperpred
}  // namespace cv

#endif
