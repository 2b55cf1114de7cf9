// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/plan.hpp"

#include <algorithm>

#include "error.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

// The predictor passes images on in batches of 256: a larger chunk would be half filled.
const int kLargestChunk = 256;
const size_t kLargestBudget = size_t(512) << 20, kLeastBudget = size_t(32) << 20;

class PlanMaker {
public:
    explicit PlanMaker(const Architecture& architecture)
        : architecture_(architecture), readers_(architecture.nodes.size(), 0), step_(architecture.nodes.size(), -1) {
        for (const Node& node : architecture.nodes) {
            for (const int input : node.inputs) {
                if (input != kImageInput) ++readers_[size_t(input)];
            }
        }
        for (const int stage : architecture.stages) ++readers_[size_t(stage)];  // its pooling reads it
    }

    Plan make() {
        for (size_t i = 0; i < architecture_.nodes.size(); ++i) {
            if (!join(int(i))) begin(int(i));
        }
        for (const int stage : architecture_.stages) {
            plan_.stepOf.push_back(stepOf(stage));
            if (plan_.steps[size_t(stepOf(stage))].last != stage) {
                fail(Failure::Internal, "stage \"" + architecture_.nodes[size_t(stage)].name + "\" was fused away");
            }
        }
        return std::move(plan_);
    }

private:
    int stepOf(int node) const { return node == kImageInput ? kImageStep : step_[size_t(node)]; }

    // The step that can take in the only reader of its activation, or null.
    Step* open(int node) {
        if (node == kImageInput || readers_[size_t(node)] != 1) return nullptr;
        return &plan_.steps[size_t(stepOf(node))];
    }

    bool join(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        if (node.op == Op::Add) return joinAdd(index);
        Step* step = open(node.inputs[0]);
        if (!step || step->relu) return false;
        if (node.op == Op::BatchNorm && step->batchNorm < 0 && step->other == kNoStep) {
            step->batchNorm = index;
        } else if (node.op == Op::Relu) {
            step->relu = true;
        } else {
            return false;
        }
        place(*step, index);
        return true;
    }

    // The later of the two operands takes the addition in: the other one is there before it.
    bool joinAdd(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        const int first = stepOf(node.inputs[0]), second = stepOf(node.inputs[1]);
        Step* step = first == second ? nullptr : open(first > second ? node.inputs[0] : node.inputs[1]);
        if (!step || step->relu || step->other != kNoStep) return false;
        step->other = std::min(first, second);
        place(*step, index);
        return true;
    }

    void begin(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        Step step;
        step.op = node.op;
        step.node = index;
        step.source = stepOf(node.inputs[0]);
        step.from = paddedShape(inputShape(architecture_, node));
        step.to = paddedShape(node.shape);
        if (node.op == Op::BatchNorm) step.batchNorm = index;
        if (node.op == Op::Relu) step.relu = true;
        if (node.op == Op::Add) step.other = stepOf(node.inputs[1]);
        plan_.steps.push_back(step);
        place(plan_.steps.back(), index);
    }

    void place(Step& step, int index) {
        step.last = index;
        step_[size_t(index)] = int(&step - plan_.steps.data());
    }

    const Architecture& architecture_;
    std::vector<int> readers_, step_;  // of each node
    Plan plan_;
};

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
    return PlanMaker(architecture).make();
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
