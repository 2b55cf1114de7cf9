// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ACTIVATION_RANGES_HPP
#define HYPERPRED_ACTIVATION_RANGES_HPP

#include <functional>
#include <vector>

#include "backend.hpp"
#include "net.hpp"
#include "quantisation.hpp"

namespace cv {
namespace hyperpred {

// Least and greatest output of each of `nodes` over the images, by cv::dnn. One entry for each node of the graph; those
// of other nodes are 0..0. `progress` (may be empty) is told the share done and may throw.
std::vector<ActivationRange> activationRanges(const NetGraph& graph, const std::vector<int>& nodes,
                                              const ImageBatch& images, const std::function<void(double)>& progress);

}  // namespace hyperpred
}  // namespace cv

#endif
