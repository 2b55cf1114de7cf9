// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/plan.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

// The predictor passes images on in batches of 256: a larger chunk would be half filled.
const int kLargestChunk = 256;
const size_t kLargestBudget = size_t(512) << 20, kLeastBudget = size_t(32) << 20;

// Values that one image keeps alive at the fullest moment of a pass through the steps.
int64_t liveValues(const Plan& plan) {
    std::vector<size_t> last(plan.steps.size());
    for (size_t i = 0; i < last.size(); ++i) {
        last[i] = i;
        for (const int before : {plan.steps[i].source, plan.steps[i].other}) {
            if (before >= 0) last[size_t(before)] = i;
        }
    }
    int64_t live = 0, most = 1;
    for (size_t i = 0; i < last.size(); ++i) {
        live += plan.steps[i].to.elements();
        most = std::max(most, live + (plan.steps[i].source == kImageStep ? plan.steps[i].from.elements() : 0));
        for (size_t before = 0; before <= i; ++before) {
            if (last[before] == i) live -= plan.steps[before].to.elements();
        }
    }
    return most;
}

}  // namespace

MapShape paddedShape(const Shape& shape) {
    MapShape padded;
    padded.channels = paddedChannels(shape.channels);
    padded.height = shape.height;
    padded.width = shape.width;
    return padded;
}

Plan makePlan(const Architecture& architecture) {
    const FusedSteps fused = fuseNodes(architecture, Pools::Apart);
    Plan plan;
    plan.stepOf = fused.stepOf;
    for (const FusedStep& step : fused.steps) {
        plan.steps.push_back({step, paddedShape(step.in), paddedShape(step.shape)});
    }
    return plan;
}

size_t chunkBudget(size_t deviceBytes) {
    size_t bytes = kLargestBudget;
    while (bytes > kLeastBudget && bytes > deviceBytes / 16) bytes /= 2;
    return bytes;
}

int chunkImages(const Architecture& architecture, size_t bytes, size_t valueBytes) {
    const size_t each = size_t(liveValues(makePlan(architecture))) * valueBytes;
    int images = 1;
    while (images < kLargestChunk && size_t(images) * 2 * each <= bytes) images *= 2;
    return images;
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
