// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "familiarity.hpp"

#include <algorithm>
#include <cmath>

namespace cv {
namespace hyperpred {

namespace {

// Of the distance of a class without images, in lengths of the longest of the others: it is never the nearest.
const double kAbsentDistance = 1e3;

const size_t kMostMeasured = 1024;  // images that give the two deviations

// 1 / deviation, and 1 where nothing varies.
double inverseDeviation(const VectorXd& values) {
    const double mean = values.mean();
    const double deviation = std::sqrt((values.array() - mean).square().mean());
    return deviation > 1e-9 * (1e-30 + std::abs(mean)) ? 1 / deviation : 1;
}

std::vector<float> rowMajor(const MatrixXd& matrix) {
    std::vector<float> values;
    values.reserve(size_t(matrix.size()));
    for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
        for (Eigen::Index j = 0; j < matrix.cols(); ++j) values.push_back(float(matrix(i, j)));
    }
    return values;
}

}  // namespace

FamiliarityScores::FamiliarityScores(const HeadProblem& problem, const HeadSolution& solution)
    : problem_(problem), solution_(solution), metric_(problem) {
    bool informative = false;
    const std::vector<int> all = problem.judgedImages(informative);
    std::vector<int> judged;
    const size_t measured = std::min(all.size(), kMostMeasured);
    for (size_t k = 0; k < measured; ++k) judged.push_back(all[k * all.size() / measured]);
    const MatrixXd scores = scoresOf(problem, judged, solution.leaveOneOut);
    const MatrixXd distances = scoresOf(problem, judged, [this](const int* images, const float* rows, int count) {
        return metric_.leaveOneOutDistances(images, rows, count);
    });
    scoreScale_ = inverseDeviation(scores.colwise().maxCoeff().transpose());
    distanceScale_ = inverseDeviation(distances.colwise().minCoeff().transpose());
}

VectorXd FamiliarityScores::leaveOneOut(const int* images, const float* rows, int count) const {
    const MatrixXd scores = solution_.leaveOneOut(images, rows, count);
    const MatrixXd distances = metric_.leaveOneOutDistances(images, rows, count);
    return (scoreScale_ * scores - distanceScale_ * distances).colwise().maxCoeff().transpose();
}

Familiarity FamiliarityScores::solved() const {
    Familiarity result;
    const MatrixXd transform = metric_.transform();
    const VectorXd shift = -(transform * problem_.centre);
    result.white = rowMajor(transform);
    result.whiteBias.assign(shift.data(), shift.data() + shift.size());
    const double longest = std::sqrt(metric_.means().colwise().squaredNorm().maxCoeff());
    MatrixXd means = MatrixXd::Constant(problem_.columns(), problem_.table.classes(), kAbsentDistance * (1 + longest));
    for (int c = 0; c < problem_.classes; ++c) means.col(problem_.present[size_t(c)]) = metric_.means().col(c);
    result.means = rowMajor(means.transpose());
    result.logitScale = float(scoreScale_ / solution_.temperature);
    result.distanceScale = float(distanceScale_);
    return result;
}

}  // namespace hyperpred
}  // namespace cv
