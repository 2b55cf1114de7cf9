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

// How familiar the features f of an image look, one number a class; the greatest counts:
//   logitScale * logit_c - (|u|^2 - 2 v_c . u + |v_c|^2) * distanceScale,  u = white f + whiteBias,
// with v_c the class means in the metric of the differences within classes (familiarity.hpp).
struct Familiarity {
    std::vector<float> white, whiteBias;  // p x p, p
    std::vector<float> means;             // C x p, v_c
    float logitScale = 1, distanceScale = 1;
    float threshold = 0;  // an image whose greatest familiarity is below is unknown
};

// logits = W f + b, with f the features, divided by their Euclidean norm first when `normalise`. The temperature is
// inside W and b, so softmax(logits) are calibrated probabilities.
struct Head {
    HeadKind kind = HeadKind::Ridge;
    bool normalise = false;
    int classes = 0, columns = 0;
    std::vector<float> weight;  // C x p
    std::vector<float> bias;    // C
    Familiarity familiarity;
    float regulariser = 0;  // ridge: lambda, lda: shrinkage, cosine: 0
    float temperature = 1;  // what raw scores were multiplied by
};

// Leave-one-out view of the support set: each image judged by a head that did not see it. 16 bytes an image.
struct LeaveOneOut {
    std::vector<int> predicted;            // N, the class of the greatest logit
    std::vector<float> answerProbability;  // N, of that class
    std::vector<float> labelProbability;   // N, of the image's label
    std::vector<float> familiarity;        // N, the greatest of the classes; empty from judgeHead()
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
// support set that the threshold for unknown images refuses (of leave-one-out familiarity), 0..0.5; 0 gives the lowest
// float.
//  - Ridge: one-hot targets on standardised features, images weighted by class; leave-one-out predictions from the hat
//    matrix's diagonal; lambda from a log grid by leave-one-out log loss after the best temperature; one
//    tridiagonalisation (dual form when N < p). head_ridge.hpp.
//  - Cosine: L2-normalised class means of L2-normalised features (paper, section 3.4). head_cosine.hpp.
//  - Lda: pooled within-class covariance with Ledoit-Wolf shrinkage; leave-one-out by rank-one downdates. head_lda.hpp.
// A class of one image has no leave-one-out prediction of its own class: the image counts as wrong (in cosine and lda
// the logit of that class is the lowest) and has no say in temperature and lambda. A class without images gets weights
// of 0 and a bias of -100. The result depends on the table and `rejected` alone, whatever the threads.
FittedHead fitHead(HeadKind kind, const FeatureTable& table, const FeatureStatistics& statistics, double rejected);

// The leave-one-out view alone, without familiarity: what choosing between networks needs.
LeaveOneOut judgeHead(HeadKind kind, const FeatureTable& table, const FeatureStatistics& statistics);

// logits of `rows` feature rows, rows x C.
std::vector<float> applyHead(const Head& head, const float* features, int rows);
// Greatest familiarity of each of `rows` feature rows.
std::vector<float> applyFamiliarity(const Head& head, const float* features, int rows);

}  // namespace hyperpred
}  // namespace cv

#endif
