// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HEAD_HPP
#define HYPERPRED_HEAD_HPP

#include <string>
#include <vector>

#include "features.hpp"

namespace cv {
namespace hyperpred {

enum class HeadKind { Ridge, Cosine, Lda };
HeadKind parseHeadKind(const std::string& name);  // "ridge", "cosine", "lda"
const char* headName(HeadKind kind);

// logits = W f + b, with f the features, divided by their Euclidean norm first when `normalise`. The temperature is
// inside W and b, so softmax(logits) are calibrated probabilities.
struct Head {
    HeadKind kind = HeadKind::Ridge;
    bool normalise = false;
    int classes = 0, columns = 0;
    std::vector<float> weight;  // C x p
    std::vector<float> bias;    // C
    float threshold = 0;        // an image whose greatest logit is below is unknown
    float regulariser = 0;      // ridge: lambda, lda: shrinkage, cosine: 0
    float temperature = 1;      // what raw scores were multiplied by
};

// Leave-one-out view of the support set: each image judged by a head that did not see it. 16 bytes an image.
struct LeaveOneOut {
    std::vector<int> predicted;            // N, the class of the greatest logit
    std::vector<float> answerProbability;  // N, of that class
    std::vector<float> labelProbability;   // N, of the image's label
    std::vector<float> greatestLogit;      // N, calibrated
    double accuracy = 0;                   // share of images whose greatest leave-one-out logit is their label
    double logLoss = 0;                    // mean, nats
};

struct FittedHead {
    Head head;
    LeaveOneOut leaveOneOut;
};

// A feature shorter than this counts as this long when features are divided by their length: black images may give 0.
const double kLeastFeatureNorm = 1e-12;

// Closed form throughout; the classes weigh the same however many images each has. `rejected` is the share of the
// support set that the threshold refuses (of leave-one-out greatest logits), 0..0.5; 0 gives the lowest float.
//  - Ridge: one-hot targets on standardised features, images weighted by class; leave-one-out predictions from the hat
//    matrix's diagonal; lambda from a log grid by leave-one-out log loss after the best temperature; one
//    tridiagonalisation (dual form when N < p). head_ridge.hpp.
//  - Cosine: L2-normalised class means of L2-normalised features (paper, section 3.4). head_cosine.hpp.
//  - Lda: pooled within-class covariance with Ledoit-Wolf shrinkage; leave-one-out by rank-one downdates. head_lda.hpp.
// A class of one image has no leave-one-out prediction of its own class: the image counts as wrong (in cosine and lda
// the logit of that class is the lowest) and has no say in temperature and lambda. A class without images gets weights
// of 0 and a bias of -100. The result depends on the table and `rejected` alone, whatever the threads.
FittedHead fitHead(HeadKind kind, const FeatureTable& table, const FeatureStatistics& statistics, double rejected);

// logits of `rows` feature rows, rows x C.
std::vector<float> applyHead(const Head& head, const float* features, int rows);

}  // namespace hyperpred
}  // namespace cv

#endif
