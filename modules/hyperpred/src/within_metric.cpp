// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "within_metric.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {

namespace {

const double kLeastShrinkage = 1e-4;  // keeps the covariance positive definite in double

// Sum over images of |deviation from the class mean|^4.
double sumFourthPowers(const HeadProblem& problem) {
    const MatrixXd means = problem.standardisedMeans();
    double sum = 0;
    problem.table.forEachBlock([&](int first, int count, const float* rows) {
        const MatrixXd z = problem.standardise(rows, count);
        for (int i = 0; i < count; ++i) {
            const double square = (z.col(i) - means.col(problem.labels[size_t(first + i)])).squaredNorm();
            sum += square * square;
        }
    });
    return sum;
}

// Ledoit and Wolf's b^2 / d^2 with S = W / N.
double ledoitWolf(const HeadProblem& problem, const MatrixXd& scatter) {
    const double n = double(problem.images());
    const double norm = scatter.squaredNorm() / (n * n);
    const double mean = scatter.trace() / (n * double(scatter.rows()));
    const double distance = norm - mean * mean * double(scatter.rows());  // |S - mean I|^2
    const double noise = (sumFourthPowers(problem) / n - norm) / n;
    return distance > 0 ? std::min(1.0, std::max(0.0, noise / distance)) : 1.0;
}

// Covariance; `shrinkage` and `share` become what was used.
MatrixXd covariance(const HeadProblem& problem, double& shrinkage, double& share) {
    const Eigen::Index p = problem.columns();
    const double freedom = double(problem.images() - problem.classes);
    MatrixXd scatter = problem.withinScatter();
    const double mean = freedom > 0 ? scatter.trace() / (freedom * double(p)) : 0;
    // Nothing varies within classes: the nearest mean decides.
    if (!(mean > 1e-12)) {
        shrinkage = 1;
        share = 0;
        return MatrixXd::Identity(p, p);
    }
    if (shrinkage < 0) shrinkage = std::max(kLeastShrinkage, ledoitWolf(problem, scatter));
    share = (1 - shrinkage) / freedom;
    scatter *= share;
    scatter.diagonal().array() += shrinkage * mean;
    return scatter;
}

}  // namespace

WithinMetric::WithinMetric(const HeadProblem& problem, double shrinkage) : problem_(problem), shrinkage_(shrinkage) {
    cholesky_.compute(covariance(problem, shrinkage_, scatterShare_));
    means_ = problem.standardisedMeans();
    cholesky_.matrixL().solveInPlace(means_);
}

MatrixXd WithinMetric::transform() const {
    MatrixXd result = problem_.inverseScale.asDiagonal();
    cholesky_.matrixL().solveInPlace(result);
    return result;
}

MatrixXd WithinMetric::directions() const {
    MatrixXd result = means_;
    cholesky_.matrixU().solveInPlace(result);
    return problem_.inverseScale.asDiagonal() * result;
}

// In whitened features u, with a = u - v_y and the class of n images, the covariance becomes I - g a a^T,
// g = share n / (n - 1), its inverse I + b a a^T, b = g / (1 - g |a|^2); the mean becomes v_y - a / (n - 1).
MatrixXd WithinMetric::leaveOneOutDistances(const int* images, const float* rows, int count) const {
    MatrixXd u = problem_.standardise(rows, count);
    cholesky_.matrixL().solveInPlace(u);
    MatrixXd a = u;
    for (int i = 0; i < count; ++i) a.col(i) -= means_.col(problem_.labels[size_t(images[i])]);
    MatrixXd distances = -2 * means_.transpose() * u;
    distances.colwise() += means_.colwise().squaredNorm().transpose();
    distances.rowwise() += u.colwise().squaredNorm();
    const MatrixXd across = means_.transpose() * a;
    for (int i = 0; i < count; ++i) {
        const int label = problem_.labels[size_t(images[i])];
        const double n = problem_.counts[size_t(label)];
        if (n > 1) {
            const double g = scatterShare_ * n / (n - 1), square = a.col(i).squaredNorm();
            const double b = g / std::max(1 - g * square, 1e-12);
            const double along = a.col(i).dot(u.col(i)), grown = n / (n - 1) * n / (n - 1);
            distances.col(i).array() += b * (along - across.col(i).array()).square();
            distances(label, i) = grown * (square + b * square * square);
        } else {
            distances(label, i) = 0;  // below any other: the greatest is that of another class
            distances(label, i) = distances.col(i).maxCoeff();
        }
    }
    return distances.cwiseMax(0.0);  // rounding may leave less
}

}  // namespace hyperpred
}  // namespace cv
