// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "temperature.hpp"

#include <algorithm>
#include <cmath>

namespace cv {
namespace hyperpred {

namespace {

const double kLeast = 0.1, kGreatest = 100, kUnjudged = 4;  // over the spread
const double kPrecision = 1e-5;                             // of the temperature, relative
const int kMaxSteps = 50;

// The loss is convex in the temperature t: with q = softmax(t s), d/dt = E_q[s] - target . s, d2/dt2 = Var_q[s].
struct LossAt {
    double loss = 0, slope = 0, curvature = 0;
};

LossAt lossAt(const MatrixXd& scores, const std::vector<int>& labels, double temperature) {
    const Eigen::Index n = scores.cols();
    const double smooth = 1.0 / double(n + 1);
    LossAt at;
    Eigen::ArrayXd centred(scores.rows()), share(scores.rows());
    for (Eigen::Index i = 0; i < n; ++i) {
        centred = scores.col(i).array() - scores.col(i).maxCoeff();
        share = (temperature * centred).exp();
        const double sum = share.sum();
        share /= sum;
        const double target = (1 - smooth) * centred[labels[size_t(i)]] + smooth * centred.mean();
        const double mean = (share * centred).sum();
        at.loss += std::log(sum) - temperature * target;
        at.slope += mean - target;
        at.curvature += (share * (centred - mean).square()).sum();
    }
    at.loss /= double(n);
    at.slope /= double(n);
    at.curvature /= double(n);
    return at;
}

double spreadOf(const MatrixXd& scores) {
    if (scores.size() == 0) return 0;
    return (scores.colwise().maxCoeff() - scores.colwise().mean()).mean();
}

bool usable(double spread) {
    return std::isfinite(spread) && spread > 1e-30;
}

}  // namespace

double smoothedLogLoss(const MatrixXd& scores, const std::vector<int>& labels, double temperature) {
    return lossAt(scores, labels, temperature).loss;
}

Temperature fitTemperature(const MatrixXd& scores, const std::vector<int>& labels) {
    Temperature result;
    const double spread = spreadOf(scores);
    if (!usable(spread)) {
        if (scores.size() > 0) result.logLoss = smoothedLogLoss(scores, labels, result.value);
        return result;
    }
    // Newton's steps on the slope, kept inside a shrinking bracket.
    double low = kLeast / spread, high = kGreatest / spread, t = std::sqrt(low * high);
    for (int step = 0; step < kMaxSteps; ++step) {
        const LossAt at = lossAt(scores, labels, t);
        (at.slope > 0 ? high : low) = t;
        double next = at.curvature > 0 ? t - at.slope / at.curvature : low;
        if (!(next > low && next < high)) next = std::sqrt(low * high);
        const bool close = std::fabs(next - t) <= kPrecision * t;
        t = next;
        if (close) break;
    }
    result.value = t;
    result.logLoss = smoothedLogLoss(scores, labels, t);
    return result;
}

double unjudgedTemperature(const MatrixXd& scores) {
    const double spread = spreadOf(scores);
    return usable(spread) ? kUnjudged / spread : 1;
}

}  // namespace hyperpred
}  // namespace cv
