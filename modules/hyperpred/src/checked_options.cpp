// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "checked_options.hpp"

#include <algorithm>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kMaxSample = 10000;

// Stages pooled by default: the last ones. Three are better than two where classes have hundreds of images, and no
// worse where they have few (doc/experiments.md).
const int kDefaultStages = 3;

void checkNumbers(const PredictOptions& options) {
    if (options.sampleSize < 2 || options.sampleSize > kMaxSample) {
        fail(Failure::OutOfRange,
             "sampleSize is " + std::to_string(options.sampleSize) + ", must be 2.." + std::to_string(kMaxSample));
    }
    if (!(options.rejected >= 0 && options.rejected <= 0.5)) {
        fail(Failure::OutOfRange, "rejected is " + std::to_string(options.rejected) + ", must be 0..0.5");
    }
    if (options.dropSuspects < 0) {
        fail(Failure::OutOfRange, "dropSuspects is " + std::to_string(options.dropSuspects) + ", must be 0 or more");
    }
}

void checkWeights(const PredictOptions& options, const HyperNetwork& hyper) {
    if (options.weights != "auto" && options.weights != "predicted" && options.weights != "base") {
        fail(Failure::BadArgument,
             "weights is \"" + options.weights + "\", must be \"auto\", \"predicted\" or \"base\"");
    }
    if (options.weights == "base" && hyper.generators.pure) {
        fail(Failure::BadArgument, "weights \"base\": a model of the pure form has no base weights");
    }
}

std::vector<int> checkedStages(std::vector<int> stages, const Architecture& architecture) {
    const int count = int(architecture.stages.size());
    if (stages.empty()) {
        for (int s = std::max(1, count - kDefaultStages + 1); s <= count; ++s) stages.push_back(s);
    }
    for (size_t i = 0; i < stages.size(); ++i) {
        if (stages[i] < 1 || stages[i] > count || (i > 0 && stages[i] <= stages[i - 1])) {
            fail(Failure::OutOfRange, "features: stages must ascend within 1.." + std::to_string(count) +
                                          " for architecture \"" + architecture.name + "\"");
        }
    }
    return stages;
}

}  // namespace

CheckedOptions checkOptions(const PredictOptions& options, const HyperNetwork& hyper) {
    CheckedOptions checked;
    checked.head = parseHeadKind(options.head);
    checked.format = parseOnnxFormat(options.format);
    checkNumbers(options);
    checkWeights(options, hyper);
    checked.choice.stages = checkedStages(options.features, hyper.architecture);
    checked.choice.pooling = parsePooling(options.pooling);
    return checked;
}

}  // namespace hyperpred
}  // namespace cv
