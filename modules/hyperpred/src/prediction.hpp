// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_PREDICTION_HPP
#define HYPERPRED_PREDICTION_HPP

#include <memory>
#include <string>
#include <vector>

#include "classifier.hpp"
#include "net.hpp"
#include "net_onnx.hpp"
#include "opencv2/hyperpred.hpp"
#include "support_features.hpp"

namespace cv {
namespace hyperpred {

// What a Prediction answers from.
struct PredictionContents {
    NetGraph graph;
    OnnxFormat format = OnnxFormat::Float;  // of the file
    Quantisation quantisation;              // for OnnxFormat::Int8
    NetDescription description;
    double expectedAccuracy = 0;
    std::vector<Suspect> suspects, dropped;
    std::string device;
    std::string report;                              // JSON
    std::shared_ptr<const Architecture> architecture;  // with PredictOptions::keepWeights, as the weights
    NetworkWeights weights;
    std::shared_ptr<const SupportFeatures> support;  // with PredictOptions::keepSupport; without the network's hashes
};
Ptr<Prediction> makePrediction(PredictionContents contents);

}  // namespace hyperpred
}  // namespace cv

#endif
