// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "meta_pass.hpp"

#include <cmath>

#include "closed_form.hpp"
#include "hyper_model.hpp"
#include "probe.hpp"

namespace cv {
namespace hyperpred {

namespace {

const uint64_t kValidationSeed = 20231;
const double kFirstTemperature = 10, kFirstLambda = 0.1;

}  // namespace

void addHeadParameters(Named& parameters) {
    parameters["head.log_temperature"] = torch::full({}, std::log(kFirstTemperature));
    parameters["head.log_lambda"] = torch::full({}, std::log(kFirstLambda));
}

torch::Tensor taskPlanes(const MetaModel& model, const DataSet& set, const Task& task,
                         const DataSetTransform& transform, Chance& chance) {
    const torch::Tensor images = gatherImages(set.pixels, task.supportRows, model.device);
    // The runtime's encoder sees bytes.
    return encoderPlanes(applyTransform(transform, images, chance).clamp(0, 255).round());
}

torch::Tensor taskImages(const MetaModel& model, const DataSet& set, const Task& task, bool augmented, Chance& chance) {
    torch::Tensor images = gatherImages(set.pixels, torch::cat({task.supportRows, task.queryRows}), model.device);
    if (augmented) images = augmentImages(images, model.architecture.size, model.settings, chance);
    return normalised(model.architecture, applyTransform(task.transform, images, chance));
}

TargetWeights weightsFor(const MetaModel& model, const Named& parameters, const torch::Tensor& planes,
                         const Task& task) {
    const HyperConfig& config = model.settings.hyper;
    const torch::Tensor sketch =
        sketchOf(config, parameters, planes, task.supportLabels.to(model.device), task.classes);
    return predictWeights(config, model.architecture, parameters,
                          unrollCodes(config, model.architecture, parameters, sketch));
}

StageOutputs taskStages(const MetaModel& model, const TargetWeights& weights, const torch::Tensor& input) {
    const Autocast autocast(model.bf16, model.device);
    return forwardTarget(model.architecture, weights, input);
}

torch::Tensor taskLogits(const MetaModel& model, const Named& parameters, const StageOutputs& stages,
                         const Task& task) {
    const int64_t count = task.supportRows.numel();
    const torch::Tensor temperature = parameters.at("head.log_temperature").exp();
    const torch::Tensor labels = task.supportLabels.to(model.device);
    if (model.settings.word("meta.head") == "cosine") {
        const torch::Tensor& features = stages.mean.back();
        return cosineLogits(features.slice(0, 0, count), labels, task.classes, features.slice(0, count), temperature);
    }
    const torch::Tensor features = headFeatures(stages);
    return ridgeLogits(features.slice(0, 0, count), labels, task.classes, features.slice(0, count),
                       parameters.at("head.log_lambda").exp(), temperature);
}

double taskAccuracy(const torch::Tensor& logits, const Task& task) {
    return (logits.argmax(1).to(torch::kCPU) == task.queryLabels).to(torch::kFloat).mean().item<double>();
}

double SketchComparison::mean(const double* values) {
    double sum = 0;
    for (int i = 0; i < kShifts; ++i) sum += values[i];
    return sum / kShifts;
}

SketchComparison compareSketches(const MetaModel& model, const Named& parameters, const std::vector<DataSet>& held,
                                 int64_t tasksEach) {
    const torch::NoGradGuard noGradient;
    Chance chance = torch::make_generator<at::CPUGeneratorImpl>(kValidationSeed);
    const bool pure = model.settings.hyper.form == "pure";
    TaskSizes sizes;
    sizes.queryImages = 2 * sizes.queryImages;
    SketchComparison result;
    for (int64_t t = 0; t < tasksEach; ++t) {
        for (int shift = 0; shift < kShifts; ++shift) {
            Task task = drawTask(held, sizes, chance);
            const DataSet& set = held[size_t(task.set)];
            task.transform = drawTransform(chance, 0);
            DataSetTransform other = task.transform;
            task.transform.shift = static_cast<Shift>(shift);
            other.shift = static_cast<Shift>((shift + 1 + below(chance, kShifts - 1)) % kShifts);
            const torch::Tensor input = taskImages(model, set, task, false, chance);
            const auto accuracy = [&](const TargetWeights& weights) {
                return taskAccuracy(taskLogits(model, parameters, taskStages(model, weights, input), task), task) /
                       double(tasksEach);
            };
            const auto withSketch = [&](const DataSetTransform& transform) {
                return accuracy(weightsFor(model, parameters, taskPlanes(model, set, task, transform, chance), task));
            };
            result.right[shift] += withSketch(task.transform);
            result.wrong[shift] += withSketch(other);
            // The pure form has no base network.
            if (!pure) result.base[shift] += accuracy(baseWeights(model.architecture, parameters));
        }
    }
    return result;
}

}  // namespace hyperpred
}  // namespace cv
