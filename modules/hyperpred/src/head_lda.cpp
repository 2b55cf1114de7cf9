// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "head_lda.hpp"

#include <memory>

#include "within_metric.hpp"

namespace cv {
namespace hyperpred {

HeadSolution solveLda(const HeadProblem& problem, double shrinkage) {
    const auto metric = std::make_shared<const WithinMetric>(problem, shrinkage);
    const VectorXd halfNorms = 0.5 * metric->means().colwise().squaredNorm().transpose();

    HeadSolution solution;
    MatrixXd weight = metric->directions();  // p x C
    weight.colwise() -= weight.rowwise().mean().eval();
    solution.weight = weight.transpose();
    solution.bias = -(halfNorms.array() - halfNorms.mean()).matrix() - solution.weight * problem.centre;
    solution.regulariser = metric->shrinkage();
    solution.leaveOneOut = [metric](const int* images, const float* rows, int count) {
        MatrixXd scores = -0.5 * metric->leaveOneOutDistances(images, rows, count);
        scores.rowwise() -= scores.colwise().mean().eval();
        return scores;
    };
    solution.temperature = chooseTemperature(problem, solution.leaveOneOut);
    return solution;
}

}  // namespace hyperpred
}  // namespace cv
