// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/plan.hpp"

#include <algorithm>

#include "calibration.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// Weights are read once a chunk, activations once a step: a chunk has about as many bytes of activations as there are
// of weights, within what stays near the processor.
const int kLargestChunk = 32;
const int64_t kLeastChunkBytes = int64_t(1) << 20, kMostChunkBytes = int64_t(8) << 20;

int chunkImages(const Architecture& architecture) {
    const int64_t weights = totalCost(architecture).parameters * int64_t(sizeof(float));
    const int64_t bytes = std::min(std::max(weights, kLeastChunkBytes), kMostChunkBytes);
    int images = kLargestChunk;
    while (images > 1 && images * liveActivationBytes(architecture) > bytes) images /= 2;
    return images;
}

}  // namespace

size_t elements(const Shape& shape) {
    return size_t(shape.channels) * size_t(shape.height) * size_t(shape.width);
}

Plan makePlan(const Architecture& architecture) {
    const FusedSteps fused = fuseNodes(architecture, Pools::InConvolutions);
    Plan plan;
    plan.stepOf = fused.stepOf;
    plan.chunk = chunkImages(architecture);
    for (const FusedStep& nodes : fused.steps) {
        Step step{nodes, nullptr};
        if (step.op == Op::Conv) {
            const Node& node = architecture.nodes[size_t(step.node)];
            step.convolution =
                createConvolution({step.in, step.raw, node.kernel, node.stride, node.pad, isDepthwise(node)});
            plan.convolutionScratch = std::max(plan.convolutionScratch, step.convolution->scratchFloats(plan.chunk));
            if (step.pool >= 0) plan.rawScratch = std::max(plan.rawScratch, elements(step.raw));
        }
        plan.steps.push_back(std::move(step));
    }
    return plan;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
