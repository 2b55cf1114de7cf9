// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "fused_steps.hpp"

#include <algorithm>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

class Fusion {
public:
    Fusion(const Architecture& architecture, Pools pools)
        : architecture_(architecture),
          pools_(pools),
          readers_(architecture.nodes.size(), 0),
          step_(architecture.nodes.size(), -1) {
        for (const Node& node : architecture.nodes) {
            for (const int input : node.inputs) {
                if (input != kImageInput) ++readers_[size_t(input)];
            }
        }
        for (const int stage : architecture.stages) ++readers_[size_t(stage)];  // its pooling reads it
    }

    FusedSteps make() {
        for (size_t i = 0; i < architecture_.nodes.size(); ++i) {
            if (!join(int(i))) begin(int(i));
        }
        for (const int stage : architecture_.stages) {
            fused_.stepOf.push_back(stepOf(stage));
            if (fused_.steps[size_t(stepOf(stage))].last != stage) {
                fail(Failure::Internal, "stage \"" + architecture_.nodes[size_t(stage)].name + "\" was fused away");
            }
        }
        return std::move(fused_);
    }

private:
    int stepOf(int node) const { return node == kImageInput ? kImageStep : step_[size_t(node)]; }

    // The step that can take in the only reader of its activation, or null.
    FusedStep* open(int node) {
        if (node == kImageInput || readers_[size_t(node)] != 1) return nullptr;
        return &fused_.steps[size_t(stepOf(node))];
    }

    bool join(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        if (node.op == Op::Add) return joinAdd(index);
        FusedStep* step = open(node.inputs[0]);
        if (!step || !take(*step, index)) return false;
        place(*step, index);
        return true;
    }

    bool take(FusedStep& step, int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        const bool bare = step.batchNorm < 0 && !step.relu, alone = step.other == kNoStep && step.pool < 0;
        if (node.op == Op::BatchNorm && bare && alone) {
            step.batchNorm = index;
        } else if (node.op == Op::Relu && !step.relu) {
            step.relu = true;
        } else if (node.op == Op::MaxPool && pools_ == Pools::InConvolutions && step.op == Op::Conv && alone) {
            step.pool = index;
            step.shape = node.shape;
        } else {
            return false;
        }
        return true;
    }

    // The later of the two operands takes the addition in: the other one is there before it.
    bool joinAdd(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        const int first = stepOf(node.inputs[0]), second = stepOf(node.inputs[1]);
        FusedStep* step = first == second ? nullptr : open(first > second ? node.inputs[0] : node.inputs[1]);
        if (!step || step->relu || step->other != kNoStep || step->pool >= 0) return false;
        step->other = std::min(first, second);
        place(*step, index);
        return true;
    }

    void begin(int index) {
        const Node& node = architecture_.nodes[size_t(index)];
        FusedStep step;
        step.op = node.op;
        step.node = index;
        step.source = stepOf(node.inputs[0]);
        step.in = inputShape(architecture_, node);
        step.raw = step.shape = node.shape;
        if (node.op == Op::BatchNorm) step.batchNorm = index;
        if (node.op == Op::Relu) step.relu = true;
        if (node.op == Op::Add) step.other = stepOf(node.inputs[1]);
        fused_.steps.push_back(step);
        place(fused_.steps.back(), index);
    }

    void place(FusedStep& step, int index) {
        step.last = index;
        step_[size_t(index)] = int(&step - fused_.steps.data());
    }

    const Architecture& architecture_;
    const Pools pools_;
    std::vector<int> readers_, step_;  // of each node
    FusedSteps fused_;
};

}  // namespace

FusedSteps fuseNodes(const Architecture& architecture, Pools pools) {
    return Fusion(architecture, pools).make();
}

}  // namespace hyperpred
}  // namespace cv
