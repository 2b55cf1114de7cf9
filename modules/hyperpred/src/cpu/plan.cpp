// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/plan.hpp"

#include <algorithm>

#include "calibration.hpp"
#include "error.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// Weights are read once a chunk, activations once a step: a chunk has about as many bytes of activations as there are
// of weights, within what stays near the processor.
const int kLargestChunk = 32;
const int64_t kLeastChunkBytes = int64_t(1) << 20, kMostChunkBytes = int64_t(8) << 20;

class PlanMaker {
public:
    explicit PlanMaker(const Architecture& architecture)
        : architecture_(architecture), readers_(architecture.nodes.size(), 0), step_(architecture.nodes.size(), -1) {
        for (const Node& node : architecture.nodes) {
            for (const int input : node.inputs) {
                if (input != kImageInput) ++readers_[size_t(input)];
            }
        }
        // A stage is read by its pooling.
        for (const int stage : architecture.stages) ++readers_[size_t(stage)];
    }

    std::vector<Step> make() {
        for (size_t i = 0; i < architecture_.nodes.size(); ++i) {
            if (!join(int(i))) begin(int(i));
        }
        return std::move(steps_);
    }

    int stepOf(int node) const { return node == kImageInput ? kImageStep : step_[size_t(node)]; }

private:
    // The step that can take in the only reader of its activation, or null.
    Step* open(int node) {
        if (node == kImageInput || readers_[size_t(node)] != 1) return nullptr;
        return &steps_[size_t(step_[size_t(node)])];
    }

    bool join(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        Step* step = open(node.inputs[0]);
        bool joined = false;
        switch (node.op) {
            case Op::BatchNorm: joined = step && takeBatchNorm(*step, index); break;
            case Op::Relu:
                joined = step && !step->relu;
                if (joined) step->relu = true;
                break;
            case Op::MaxPool: joined = step && takePool(*step, index); break;
            case Op::Add: return joinAdd(index);
            default: break;
        }
        if (joined) place(*step, index);
        return joined;
    }

    static bool takeBatchNorm(Step& step, int index) {
        if (step.batchNorm >= 0 || step.relu || step.other != kNoStep || step.pool >= 0) return false;
        step.batchNorm = index;
        return true;
    }

    bool takePool(Step& step, int index) {
        if (step.producer != Producer::Conv || step.pool >= 0 || step.other != kNoStep) return false;
        step.pool = index;
        step.shape = architecture_.nodes[size_t(index)].shape;
        return true;
    }

    // The later of the two operands takes the addition in: the other one is there before it.
    bool joinAdd(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        const int first = stepOf(node.inputs[0]), second = stepOf(node.inputs[1]);
        const int later = first > second ? node.inputs[0] : node.inputs[1];
        Step* step = first == second ? nullptr : open(later);
        if (!step || step->relu || step->other != kNoStep || step->pool >= 0) return false;
        step->other = std::min(first, second);
        place(*step, index);
        return true;
    }

    void begin(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        Step step;
        step.source = stepOf(node.inputs[0]);
        step.in = inputShape(architecture_, node);
        step.raw = step.shape = node.shape;
        switch (node.op) {
            case Op::Conv: step.producer = Producer::Conv; break;
            case Op::MaxPool: step.producer = Producer::MaxPool; break;
            case Op::AvgPool: step.producer = Producer::AvgPool; break;
            case Op::GlobalPool: step.producer = Producer::GlobalPool; break;
            case Op::BatchNorm: step.batchNorm = index; break;
            case Op::Relu: step.relu = true; break;
            case Op::Add: step.other = stepOf(node.inputs[1]); break;
        }
        if (step.producer != Producer::Copy) step.node = index;
        if (node.op == Op::Conv)
            step.convolution =
                createConvolution({step.in, step.raw, node.kernel, node.stride, node.pad, isDepthwise(node)});
        steps_.push_back(std::move(step));
        place(steps_.back(), index);
    }

    void place(Step& step, int index) {
        step.last = index;
        step_[size_t(index)] = int(&step - steps_.data());
    }

    const Architecture& architecture_;
    std::vector<int> readers_;  // of each node
    std::vector<int> step_;     // of each node
    std::vector<Step> steps_;
};

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
    PlanMaker maker(architecture);
    Plan plan;
    plan.steps = maker.make();
    plan.chunk = chunkImages(architecture);
    for (const int stage : architecture.stages) {
        plan.stepOf.push_back(maker.stepOf(stage));
        if (plan.steps[size_t(plan.stepOf.back())].last != stage) {
            fail(Failure::Internal, "stage \"" + architecture.nodes[size_t(stage)].name + "\" was fused away");
        }
    }
    for (const Step& step : plan.steps) {
        if (!step.convolution) continue;
        const size_t scratch = step.convolution->scratchFloats(plan.chunk);
        plan.convolutionScratch = std::max(plan.convolutionScratch, scratch);
        if (step.pool >= 0) plan.rawScratch = std::max(plan.rawScratch, elements(step.raw));
    }
    return plan;
}

std::vector<bool> neededSteps(const Plan& plan, const std::vector<int>& stages) {
    std::vector<bool> needed(plan.steps.size(), false);
    for (const int stage : stages) needed[size_t(plan.stepOf[size_t(stage) - 1])] = true;
    for (size_t i = needed.size(); i-- > 0;) {
        if (!needed[i]) continue;
        for (const int before : {plan.steps[i].source, plan.steps[i].other}) {
            if (before >= 0) needed[size_t(before)] = true;
        }
    }
    return needed;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
