// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_NET_OPENCV_HPP
#define HYPERPRED_NET_OPENCV_HPP

#include <opencv2/dnn.hpp>

#include "net.hpp"

namespace cv {
namespace hyperpred {

// The graph as a cv::dnn::Net built by addLayer and connect. forward() gives the logits of the last layer;
// forward(outs, {"logits", "features", "familiarity", "probabilities"}) all four outputs.
cv::dnn::Net emitOpenCV(const NetGraph& graph);

}  // namespace hyperpred
}  // namespace cv

#endif
