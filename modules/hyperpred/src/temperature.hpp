// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEMPERATURE_HPP
#define HYPERPRED_TEMPERATURE_HPP

#include <vector>

#include "linear_algebra.hpp"

namespace cv {
namespace hyperpred {

// What raw scores are multiplied by so that their softmax is calibrated, and the mean log loss (nats) there.
struct Temperature {
    double value = 1;
    double logLoss = 0;
};

// Mean over images of -sum_c t_c log softmax(temperature * scores)_c, with t the label's one-hot target mixed with
// 1 / (n + 1) of the uniform one: one made-up image of no known class among the n (Platt's correction, 1999). Without
// it, data that the scores separate would ask for an infinite temperature and for certainty that n images cannot give.
// scores: C x n, one column an image.
double smoothedLogLoss(const MatrixXd& scores, const std::vector<int>& labels, double temperature);

// The temperature of the least smoothed log loss, within 0.1 .. 100 over the spread of the scores (mean over images
// of the greatest minus the mean score): logits stay finite and keep their order. Scores without spread give 1.
Temperature fitTemperature(const MatrixXd& scores, const std::vector<int>& labels);

// For scores that say nothing about new images (each class has one image): 4 over the spread, a moderate confidence.
double unjudgedTemperature(const MatrixXd& scores);

}  // namespace hyperpred
}  // namespace cv

#endif
