// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "mean_classifier.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {

namespace {

const int64_t kImages = 20;    // a class
const int64_t kGroup = 16;     // classes that share their batch statistics
const double kSharpness = 20;  // what a typical distance counts

}  // namespace

// Logits -|x - m|^2 s / 2 up to what all classes share.
void addMeanClassifier(const Architecture& architecture, const std::vector<DataSet>& sets, bool bf16,
                       const torch::Device& device, Named& parameters) {
    const torch::NoGradGuard noGradient;
    const Autocast autocast(bf16, device);
    const TargetWeights weights = baseWeights(architecture, parameters);
    std::vector<torch::Tensor> means, all;
    for (const DataSet& set : sets) {
        for (size_t c = 0; c < set.classes.size(); c += size_t(kGroup)) {
            std::vector<torch::Tensor> rows;
            for (size_t i = c; i < std::min(set.classes.size(), c + size_t(kGroup)); ++i) {
                rows.push_back(set.classes[i].slice(0, 0, kImages));
            }
            const torch::Tensor input = normalised(architecture, gatherImages(set.pixels, torch::cat(rows), device));
            const torch::Tensor features = forwardTarget(architecture, weights, input).mean.back();
            int64_t first = 0;
            for (const torch::Tensor& own : rows) {
                means.push_back(features.slice(0, first, first + own.numel()).mean(0));
                first += own.numel();
            }
            all.push_back(features);
        }
    }
    const torch::Tensor centres = torch::stack(means), middle = centres.mean(0, true);
    const double spread = torch::cat(all).var(0, false).sum().item<double>();
    const double sharpness = kSharpness / std::max(spread, 1e-9);
    const torch::Tensor off = centres - middle;
    parameters["classifier.weight"] = (sharpness * off).contiguous();
    parameters["classifier.bias"] = -sharpness * (0.5 * off.square().sum(1) + off.mul(middle).sum(1));
}

}  // namespace hyperpred
}  // namespace cv
