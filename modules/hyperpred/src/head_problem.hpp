// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HEAD_PROBLEM_HPP
#define HYPERPRED_HEAD_PROBLEM_HPP

#include <functional>
#include <vector>

#include "features.hpp"
#include "linear_algebra.hpp"
#include "temperature.hpp"

namespace cv {
namespace hyperpred {

// What every head is solved from: the table with its classes renumbered without the empty ones, and the
// standardisation of its features, z = (x - centre) * inverseScale. Pooled features of several stages differ in scale
// by orders of magnitude; one ridge penalty or one shrinkage target for all asks for a common one.
struct HeadProblem {
    HeadProblem(const FeatureTable& features, const FeatureStatistics& gathered);

    const FeatureTable& table;
    const FeatureStatistics& statistics;
    int classes = 0;              // C, with at least one image
    std::vector<int> present;     // C, the table's number of each
    std::vector<int> labels;      // N, 0..C-1
    std::vector<double> counts;   // C
    MatrixXd means;               // p x C, of the raw features
    VectorXd centre;              // p, mean of the class means: classes weigh the same
    VectorXd inverseScale;        // p, of the deviation over all images, at least 1 % of the deviations' RMS

    int images() const { return table.rows(); }
    int columns() const { return table.columns(); }
    // count x p raw rows -> p x count standardised columns.
    MatrixXd standardise(const float* rows, int count) const;
    // p x C, class means less the centre, standardised.
    MatrixXd standardisedMeans() const;
    // p x p, sum over images of (z - class mean)(z - class mean)^T, standardised.
    MatrixXd withinScatter() const;
    // Raw rows of the images, images.size() x p.
    std::vector<float> read(const std::vector<int>& images) const;
    // Images that temperature and ridge's lambda are chosen on: evenly strided in canonical order, at most 4,096, with
    // many classes fewer (images times classes about 2 M, but 512 images), of classes with more than one image, since
    // an only image has no leave-one-out answer. `informative` is false when there are none: then every class has one
    // image, and the strided images are of those.
    std::vector<int> judgedImages(bool& informative) const;
    std::vector<int> labelsOf(const std::vector<int>& images) const;
};

// Scores (C x count, uncalibrated) of images by a head that did not see them. Called from several threads at once.
using LeaveOneOutScores = std::function<MatrixXd(const int* images, const float* rows, int count)>;

// A solved head in double: scores = weight f + bias, calibrated when multiplied by the temperature.
struct HeadSolution {
    MatrixXd weight;  // C x p
    VectorXd bias;    // C
    bool normalise = false;
    double regulariser = 0;
    double temperature = 1;
    LeaveOneOutScores leaveOneOut;
};

// Scores of some images, blocks in parallel.
MatrixXd scoresOf(const HeadProblem& problem, const std::vector<int>& images, const LeaveOneOutScores& scores);
// By the leave-one-out scores of judgedImages().
double chooseTemperature(const HeadProblem& problem, const LeaveOneOutScores& scores);
// Sets the score of the class that is left without images to the lowest of the others.
void lowestScore(MatrixXd& scores, int image, int label);

}  // namespace hyperpred
}  // namespace cv

#endif
