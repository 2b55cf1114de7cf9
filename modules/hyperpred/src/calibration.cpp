// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "calibration.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {

namespace {

// Index of the last node that reads each node; the node itself where none does.
std::vector<int> lastReaders(const Architecture& architecture) {
    std::vector<int> last(architecture.nodes.size());
    for (size_t i = 0; i < last.size(); ++i) {
        last[i] = int(i);
        for (const int input : architecture.nodes[i].inputs) {
            if (input != kImageInput) last[size_t(input)] = int(i);
        }
    }
    return last;
}

}  // namespace

int64_t liveActivationBytes(const Architecture& architecture) {
    const std::vector<int> last = lastReaders(architecture);
    int64_t live = 0, most = 0;
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const int64_t bytes = nodeCost(architecture, node).activations;
        int64_t dying = 0;
        for (size_t k = 0; k < node.inputs.size(); ++k) {
            const int input = node.inputs[k];
            const bool twice = k > 0 && input == node.inputs[0];
            if (input == kImageInput || last[size_t(input)] != int(i) || twice) continue;
            dying += nodeCost(architecture, architecture.nodes[size_t(input)]).activations;
        }
        most = std::max(most, live - dying + std::max(dying, bytes));
        live += bytes - dying;
        if (last[i] == int(i)) live -= bytes;
    }
    return most;
}

std::vector<int> calibrationImages(const Architecture& architecture, int count) {
    const int64_t fitting = kCalibrationBytes / liveActivationBytes(architecture);
    const int64_t used = std::min<int64_t>(count, std::max<int64_t>(fitting, kLeastCalibrationImages));
    std::vector<int> images;
    for (int64_t i = 0; i < used; ++i) images.push_back(int(i * count / used));
    return images;
}

}  // namespace hyperpred
}  // namespace cv
