// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_OPTIMISER_HPP
#define HYPERPRED_TRAIN_OPTIMISER_HPP

#include <torch/torch.h>

#include <functional>
#include <string>

#include "target_network.hpp"

namespace cv {
namespace hyperpred {

// The optimisers work on named tensors and keep their state in named tensors: a checkpoint then holds it without
// knowing which optimiser it belongs to.
struct OptimiserRule {
    bool adamw = false;      // otherwise SGD with Nesterov momentum
    double momentum = 0.9;   // SGD
    double weightDecay = 0;  // on tensors of two and more dimensions: kernels and matrices
};
using RateOf = std::function<double(const std::string& name)>;

// Applies the gradients, and clears them. `step` counts from 1. Tensors with rate 0 or without gradient are left.
void applyGradients(Named& parameters, Named& state, const OptimiserRule& rule, const RateOf& rateOf, int64_t step);

// Scales all gradients so that their common norm is at most `greatest`; returns the norm before.
double clipGradients(const Named& parameters, double greatest);

// average = decay average + (1 - decay) parameters; tensors that `average` lacks are copied.
void averageInto(Named& average, const Named& parameters, double decay);

// Learning rate: linear warm-up from 0, then `schedule` ("cosine" to 0, "constant"); or "one_cycle" without warm-up.
double scheduledRate(double highest, const std::string& schedule, int64_t step, int64_t steps, double warmupSteps);
// Constant but for "one_cycle", where it is 0.1 lower at the highest rate.
double scheduledMomentum(double highest, const std::string& schedule, int64_t step, int64_t steps);

}  // namespace hyperpred
}  // namespace cv

#endif
