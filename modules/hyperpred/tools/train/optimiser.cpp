// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "optimiser.hpp"

#include <algorithm>
#include <cmath>

namespace cv {
namespace hyperpred {

namespace {

const double kAdamFirst = 0.9, kAdamSecond = 0.999, kAdamEpsilon = 1e-8;

// One cycle as Smith and Topin (2018) and torch's OneCycleLR have it: share of the steps that rise, the highest rate
// over the first and over the last, how far momentum falls at the top.
const double kCycleRise = 0.3, kCycleStart = 25, kCycleEnd = 25e4, kCycleMomentum = 0.1;

// Half a cosine from `from` at 0 to `to` at 1.
double eased(double from, double to, double share) {
    const double pi = 3.14159265358979323846;
    return to + (from - to) * 0.5 * (1 + std::cos(pi * std::min(1.0, share)));
}

double onCycle(double start, double top, double end, int64_t step, int64_t steps) {
    const double place = double(step), rise = kCycleRise * double(steps);
    if (place < rise) return eased(start, top, place / rise);
    return eased(top, end, (place - rise) / std::max(1.0, double(steps) - 1 - rise));
}

torch::Tensor& stateOf(Named& state, const std::string& name, const torch::Tensor& like) {
    torch::Tensor& entry = state[name];
    if (!entry.defined()) entry = torch::zeros_like(like);
    return entry;
}

void stepSgd(const std::string& name, torch::Tensor& parameter, const torch::Tensor& gradient, Named& state,
             const OptimiserRule& rule, double rate) {
    const torch::Tensor pull =
        rule.weightDecay > 0 && parameter.dim() > 1 ? gradient + rule.weightDecay * parameter : gradient;
    torch::Tensor& momentum = stateOf(state, name + "/momentum", parameter);
    momentum.mul_(rule.momentum).add_(pull);
    parameter.add_(pull, -rate).add_(momentum, -rate * rule.momentum);
}

void stepAdamW(const std::string& name, torch::Tensor& parameter, const torch::Tensor& gradient, Named& state,
               const OptimiserRule& rule, double rate, int64_t step) {
    torch::Tensor& first = stateOf(state, name + "/first", parameter);
    torch::Tensor& second = stateOf(state, name + "/second", parameter);
    if (rule.weightDecay > 0 && parameter.dim() > 1) parameter.mul_(1 - rate * rule.weightDecay);
    first.mul_(kAdamFirst).add_(gradient, 1 - kAdamFirst);
    second.mul_(kAdamSecond).addcmul_(gradient, gradient, 1 - kAdamSecond);
    const double scale = std::sqrt(1 - std::pow(kAdamSecond, double(step)));
    const double size = rate * scale / (1 - std::pow(kAdamFirst, double(step)));
    parameter.addcdiv_(first, second.sqrt().add_(kAdamEpsilon * scale), -size);
}

}  // namespace

void applyGradients(Named& parameters, Named& state, const OptimiserRule& rule, const RateOf& rateOf, int64_t step) {
    const torch::NoGradGuard noGradient;
    for (auto& entry : parameters) {
        torch::Tensor& parameter = entry.second;
        const double rate = rateOf(entry.first);
        const torch::Tensor gradient = parameter.grad();
        if (gradient.defined() && rate > 0) {
            if (rule.adamw) {
                stepAdamW(entry.first, parameter, gradient, state, rule, rate, step);
            } else {
                stepSgd(entry.first, parameter, gradient, state, rule, rate);
            }
        }
        parameter.mutable_grad() = torch::Tensor();
    }
}

double clipGradients(const Named& parameters, double greatest) {
    const torch::NoGradGuard noGradient;
    double square = 0;
    for (const auto& entry : parameters) {
        if (!entry.second.grad().defined()) continue;
        const double norm = entry.second.grad().norm().item<double>();
        square += norm * norm;
    }
    const double norm = std::sqrt(square);
    if (norm <= greatest) return norm;
    for (const auto& entry : parameters) {
        if (entry.second.grad().defined()) entry.second.grad().mul_(greatest / norm);
    }
    return norm;
}

void averageInto(Named& average, const Named& parameters, double decay) {
    const torch::NoGradGuard noGradient;
    for (const auto& entry : parameters) {
        torch::Tensor& to = average[entry.first];
        if (!to.defined()) {
            to = entry.second.detach().clone();
        } else {
            to.lerp_(entry.second.detach(), 1 - decay);
        }
    }
}

double scheduledRate(double highest, const std::string& schedule, int64_t step, int64_t steps, double warmupSteps) {
    if (schedule == "one_cycle") return onCycle(highest / kCycleStart, highest, highest / kCycleEnd, step, steps);
    if (double(step) < warmupSteps) return highest * double(step + 1) / (warmupSteps + 1);
    if (schedule == "constant") return highest;
    return eased(highest, 0, (double(step) - warmupSteps) / std::max(1.0, double(steps) - warmupSteps));
}

double scheduledMomentum(double highest, const std::string& schedule, int64_t step, int64_t steps) {
    if (schedule != "one_cycle") return highest;
    return onCycle(highest, std::max(0.0, highest - kCycleMomentum), highest, step, steps);
}

}  // namespace hyperpred
}  // namespace cv
