// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "probe.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {

namespace {

const int64_t kSupport = 100, kQuery = 100;  // images a class
const std::ptrdiff_t kHeadStages = 3;
const int64_t kChunk = 800;  // images that share their batch statistics

// Support and query images of all classes. Rows are dealt class by class in turn, so that every chunk holds all
// classes in equal numbers.
struct ProbeImages {
    std::vector<int64_t> rows, labels;
    std::vector<bool> support;
};
ProbeImages dealImages(const DataSet& held) {
    ProbeImages dealt;
    for (int64_t i = 0; i < kSupport + kQuery; ++i) {
        for (size_t c = 0; c < held.classes.size(); ++c) {
            const int64_t count = held.classes[c].numel(), half = std::min(kSupport, count / 2);
            const bool support = i < kSupport;
            const int64_t place = support ? i : half + i - kSupport;
            if (place >= (support ? half : count)) continue;
            dealt.rows.push_back(held.classes[c][place].item<int64_t>());
            dealt.labels.push_back(int64_t(c));
            dealt.support.push_back(support);
        }
    }
    return dealt;
}

torch::Tensor placesOf(const std::vector<bool>& support, bool wanted) {
    std::vector<int64_t> places;
    for (size_t i = 0; i < support.size(); ++i) {
        if (support[i] == wanted) places.push_back(int64_t(i));
    }
    return torch::tensor(places);
}

double ridgeAccuracy(const torch::Tensor& support, const torch::Tensor& labels, const torch::Tensor& query,
                     const torch::Tensor& truth, int64_t classes) {
    const torch::Tensor mean = support.mean(0, true), deviation = support.std(0, false, true) + 1e-3;
    const torch::Tensor x = (support - mean) / deviation;
    const torch::Tensor targets = torch::one_hot(labels, classes).to(torch::kFloat) - 1.0 / double(classes);
    const double penalty = 0.05 * double(x.size(0));
    const torch::Tensor normal = at::matmul(x.t(), x) + penalty * torch::eye(x.size(1), x.options());
    const torch::Tensor weights = at::cholesky_solve(at::matmul(x.t(), targets), at::linalg_cholesky(normal));
    const torch::Tensor answers = at::matmul((query - mean) / deviation, weights).argmax(1);
    return (answers == truth).to(torch::kFloat).mean().item<double>();
}

}  // namespace

torch::Tensor headFeatures(const StageOutputs& stages) {
    const auto end = stages.rms.end();
    const auto count = std::min<std::ptrdiff_t>(kHeadStages, std::ptrdiff_t(stages.rms.size()));
    return torch::cat(std::vector<torch::Tensor>(end - count, end), 1);
}

double probeAccuracy(const Architecture& architecture, const Named& parameters, const DataSet& held, bool bf16,
                     const torch::Device& device) {
    const torch::NoGradGuard noGradient;
    const ProbeImages dealt = dealImages(held);
    const TargetWeights weights = baseWeights(architecture, parameters);
    const torch::Tensor rows = torch::tensor(dealt.rows);
    std::vector<torch::Tensor> chunks;
    // Equal chunks: a small last one would have poor batch statistics.
    const int64_t count = rows.numel(), parts = (count + kChunk - 1) / kChunk;
    for (int64_t i = 0; i < parts; ++i) {
        const torch::Tensor some = rows.slice(0, count * i / parts, count * (i + 1) / parts);
        const torch::Tensor input = normalised(architecture, gatherImages(held.pixels, some, device));
        const Autocast autocast(bf16, device);
        chunks.push_back(headFeatures(forwardTarget(architecture, weights, input)));
    }
    const torch::Tensor features = torch::cat(chunks).to(torch::kCPU), labels = torch::tensor(dealt.labels);
    const torch::Tensor support = placesOf(dealt.support, true), query = placesOf(dealt.support, false);
    return ridgeAccuracy(features.index_select(0, support), labels.index_select(0, support),
                         features.index_select(0, query), labels.index_select(0, query), int64_t(held.classes.size()));
}

}  // namespace hyperpred
}  // namespace cv
