// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "head_lda.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace cv {
namespace hyperpred {

namespace {

const double kLeastShrinkage = 1e-4;  // keeps the covariance positive definite in double

struct LdaState {
    Eigen::LLT<MatrixXd> cholesky;  // of the covariance, L L^T
    MatrixXd whitened;              // p x C, v_c = L^-1 (class mean, standardised)
    VectorXd halfNorms;             // C, |v_c|^2 / 2
    double scatterShare = 0;        // (1 - shrinkage) / (N - C): what one unit of scatter adds to the covariance
};

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

// Minus half the distances to the class means, in the metric that the image was taken out of. In whitened features u,
// with a = u - v_y and the class of n images, the covariance becomes I - g a a^T, g = share n / (n - 1), its inverse
// I + b a a^T, b = g / (1 - g |a|^2); the mean becomes v_y - a / (n - 1). |u|^2 is common to all classes and left out.
MatrixXd leaveOneOutScores(const HeadProblem& problem, const LdaState& state, const int* images, const float* rows,
                           int count) {
    MatrixXd u = problem.standardise(rows, count);
    state.cholesky.matrixL().solveInPlace(u);
    MatrixXd a = u;
    for (int i = 0; i < count; ++i) a.col(i) -= state.whitened.col(problem.labels[size_t(images[i])]);
    MatrixXd scores = state.whitened.transpose() * u;
    scores.colwise() -= state.halfNorms;
    const MatrixXd across = state.whitened.transpose() * a;
    for (int i = 0; i < count; ++i) {
        const int label = problem.labels[size_t(images[i])];
        const double n = problem.counts[size_t(label)];
        if (n > 1) {
            const double g = state.scatterShare * n / (n - 1), square = a.col(i).squaredNorm();
            const double b = g / std::max(1 - g * square, 1e-12);
            const double along = a.col(i).dot(u.col(i)), grown = n / (n - 1) * n / (n - 1);
            scores.col(i).array() -= 0.5 * b * (along - across.col(i).array()).square();
            scores(label, i) = 0.5 * u.col(i).squaredNorm() - 0.5 * grown * (square + b * square * square);
        } else {
            lowestScore(scores, i, label);
        }
        scores.col(i).array() -= scores.col(i).mean();
    }
    return scores;
}

}  // namespace

HeadSolution solveLda(const HeadProblem& problem, double shrinkage) {
    const auto state = std::make_shared<LdaState>();
    state->cholesky.compute(covariance(problem, shrinkage, state->scatterShare));
    state->whitened = problem.standardisedMeans();
    state->cholesky.matrixL().solveInPlace(state->whitened);
    state->halfNorms = 0.5 * state->whitened.colwise().squaredNorm().transpose();

    HeadSolution solution;
    MatrixXd weight = state->whitened;  // p x C
    state->cholesky.matrixU().solveInPlace(weight);
    weight = problem.inverseScale.asDiagonal() * weight.eval();
    weight.colwise() -= weight.rowwise().mean().eval();
    solution.weight = weight.transpose();
    solution.bias = -(state->halfNorms.array() - state->halfNorms.mean()).matrix() - solution.weight * problem.centre;
    solution.regulariser = shrinkage;
    solution.leaveOneOut = [&problem, state](const int* images, const float* rows, int count) {
        return leaveOneOutScores(problem, *state, images, rows, count);
    };
    solution.temperature = chooseTemperature(problem, solution.leaveOneOut);
    return solution;
}

}  // namespace hyperpred
}  // namespace cv
