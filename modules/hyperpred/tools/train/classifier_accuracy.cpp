// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "classifier_accuracy.hpp"

#include <algorithm>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int64_t kCalibrationImages = 1000;
const int64_t kChunk = 500;

// The first images of each class, as many of each.
torch::Tensor calibrationInput(const Architecture& architecture, const std::vector<DataSet>& sets,
                               const torch::Device& device) {
    int64_t classes = 0;
    for (const DataSet& set : sets) classes += int64_t(set.classes.size());
    const int64_t each = std::max<int64_t>(1, kCalibrationImages / classes);
    std::vector<torch::Tensor> images;
    for (const DataSet& set : sets) {
        std::vector<torch::Tensor> rows;
        for (const torch::Tensor& own : set.classes) rows.push_back(own.slice(0, 0, each));
        images.push_back(gatherImages(set.pixels, torch::cat(rows), device));
    }
    return normalised(architecture, torch::cat(images));
}

}  // namespace

std::vector<DataSet> matchTests(std::vector<DataSet> tests, const std::vector<DataSet>& training) {
    for (DataSet& test : tests) {
        const auto found = std::find_if(training.begin(), training.end(),
                                        [&](const DataSet& set) { return set.name == test.name; });
        if (found == training.end()) {
            fail(Failure::BadArgument, "test set \"" + test.name + "\": no entry of \"data\" has this name");
        }
        if (found->classNames != test.classNames) {
            fail(Failure::BadArgument,
                 "test set \"" + test.name + "\" has other classes than the training set of this name");
        }
        test.firstLabel = found->firstLabel;
    }
    return tests;
}

double classifierAccuracy(const Architecture& architecture, const Named& parameters, const LabelSpace& space,
                          const std::vector<DataSet>& training, const DataSet& test, bool bf16,
                          const torch::Device& device) {
    const torch::NoGradGuard noGradient;
    const TargetWeights weights = baseWeights(architecture, parameters);
    Moments moments;
    {
        const Autocast autocast(bf16, device);
        forwardTarget(architecture, weights, calibrationInput(architecture, training, device), &moments);
    }
    const auto set = std::find_if(training.begin(), training.end(),
                                  [&](const DataSet& one) { return one.name == test.name; });
    const torch::Tensor foreign = space.allowed[set - training.begin()].logical_not().to(device);
    int64_t right = 0, count = 0;
    for (size_t c = 0; c < test.classes.size(); ++c) {
        for (const torch::Tensor& rows : test.classes[c].split(kChunk)) {
            const torch::Tensor input = normalised(architecture, gatherImages(test.pixels, rows, device));
            torch::Tensor features;
            {
                const Autocast autocast(bf16, device);
                features = forwardCalibrated(architecture, weights, input, moments).mean.back();
            }
            const torch::Tensor logits =
                at::linear(features, parameters.at("classifier.weight"), parameters.at("classifier.bias"));
            const torch::Tensor answers = logits.masked_fill(foreign, -1e30).argmax(1);
            right += (answers == test.firstLabel + int64_t(c)).sum().item<int64_t>();
            count += rows.numel();
        }
    }
    return double(right) / double(std::max<int64_t>(1, count));
}

}  // namespace hyperpred
}  // namespace cv
