// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_META_PASS_HPP
#define HYPERPRED_TRAIN_META_PASS_HPP

#include <torch/torch.h>

#include "settings.hpp"
#include "target_network.hpp"
#include "task.hpp"

namespace cv {
namespace hyperpred {

// What the passes over one task have in common.
struct MetaModel {
    const Settings& settings;
    const Architecture& architecture;
    torch::Device device;
    bool bf16;
};

// The parameters of stage 2 that no model file holds: the head's temperature and lambda, as logarithms.
void addHeadParameters(Named& parameters);

// The support images of a task under a transform, as the encoder sees them: never augmented.
torch::Tensor taskPlanes(const MetaModel& model, const DataSet& set, const Task& task,
                         const DataSetTransform& transform, Chance& chance);
// Support and then query images under the task's transform, normalised for the network.
torch::Tensor taskImages(const MetaModel& model, const DataSet& set, const Task& task, bool augmented, Chance& chance);

// Weights of the target network for a sketch of `planes`.
TargetWeights weightsFor(const MetaModel& model, const Named& parameters, const torch::Tensor& planes,
                         const Task& task);

// Pooled stages of support and queries, which share their batch statistics.
StageOutputs taskStages(const MetaModel& model, const TargetWeights& weights, const torch::Tensor& input);

// Logits of the queries by the closed-form head on the support's features.
torch::Tensor taskLogits(const MetaModel& model, const Named& parameters, const StageOutputs& stages, const Task& task);
double taskAccuracy(const torch::Tensor& logits, const Task& task);

// Accuracy on tasks of held-out classes under every transform: predicted with the right sketch, with the sketch of the
// same images under another transform, and the base network. Chance is seeded alike every time.
struct SketchComparison {
    double right[kShifts] = {0}, wrong[kShifts] = {0}, base[kShifts] = {0};
    static double mean(const double* values);
};
SketchComparison compareSketches(const MetaModel& model, const Named& parameters, const std::vector<DataSet>& held,
                                 int64_t tasksEach);

}  // namespace hyperpred
}  // namespace cv

#endif
