// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "head_cosine.hpp"

#include <algorithm>
#include <memory>

#include "head.hpp"

namespace cv {
namespace hyperpred {

namespace {

MatrixXd unitLength(const float* rows, Eigen::Index columns, int count) {
    MatrixXd z = Eigen::Map<const Eigen::MatrixXf>(rows, columns, count).cast<double>();
    for (Eigen::Index i = 0; i < z.cols(); ++i) z.col(i) /= std::max(z.col(i).norm(), kLeastFeatureNorm);
    return z;
}

MatrixXd sumUnitFeatures(const HeadProblem& problem) {
    MatrixXd sums = MatrixXd::Zero(problem.columns(), problem.classes);
    problem.table.forEachBlock([&](int first, int count, const float* rows) {
        const MatrixXd z = unitLength(rows, problem.columns(), count);
        for (int i = 0; i < count; ++i) sums.col(problem.labels[size_t(first + i)]) += z.col(i);
    });
    return sums;
}

struct CosineState {
    MatrixXd sums;        // p x C, of unit-length features
    MatrixXd prototypes;  // p x C, unit length
};

MatrixXd leaveOneOutCosines(const HeadProblem& problem, const CosineState& state, const int* images,
                            const float* rows, int count) {
    const MatrixXd z = unitLength(rows, problem.columns(), count);
    MatrixXd scores = state.prototypes.transpose() * z;
    for (int i = 0; i < count; ++i) {
        const int label = problem.labels[size_t(images[i])];
        if (problem.counts[size_t(label)] > 1) {
            const VectorXd rest = state.sums.col(label) - z.col(i);
            scores(label, i) = rest.dot(z.col(i)) / std::max(rest.norm(), kLeastFeatureNorm);
        } else {
            lowestScore(scores, i, label);
        }
    }
    return scores;
}

}  // namespace

HeadSolution solveCosine(const HeadProblem& problem) {
    const auto state = std::make_shared<CosineState>();
    state->sums = sumUnitFeatures(problem);
    state->prototypes = state->sums;
    for (Eigen::Index c = 0; c < state->prototypes.cols(); ++c) {
        state->prototypes.col(c) /= std::max(state->prototypes.col(c).norm(), kLeastFeatureNorm);
    }
    HeadSolution solution;
    solution.normalise = true;
    solution.weight = state->prototypes.transpose();
    solution.bias = VectorXd::Zero(problem.classes);
    solution.leaveOneOut = [&problem, state](const int* images, const float* rows, int count) {
        return leaveOneOutCosines(problem, *state, images, rows, count);
    };
    solution.temperature = chooseTemperature(problem, solution.leaveOneOut);
    return solution;
}

}  // namespace hyperpred
}  // namespace cv
