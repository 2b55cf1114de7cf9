// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FAMILIARITY_HPP
#define HYPERPRED_FAMILIARITY_HPP

#include "head.hpp"
#include "head_problem.hpp"
#include "within_metric.hpp"

namespace cv {
namespace hyperpred {

// Whether an image looks like one of the classes at all. The greatest logit alone says little: a linear head is as sure
// of something strange that lies far out along a class's direction. So the distance to the class means counts, too, in
// the metric of the differences within classes; both are divided by their deviation over the support set, left out.
// What that gains stands in doc/experiments.md.
class FamiliarityScores {
public:
    FamiliarityScores(const HeadProblem& problem, const HeadSolution& solution);

    // For each of `count` images, left out: the greatest familiarity of its classes. Called from several threads at
    // once.
    VectorXd leaveOneOut(const int* images, const float* rows, int count) const;
    // Everything but the threshold; classes without images get a mean far from all.
    Familiarity solved() const;

private:
    const HeadProblem& problem_;
    const HeadSolution& solution_;
    WithinMetric metric_;
    double scoreScale_ = 1;     // of uncalibrated scores
    double distanceScale_ = 1;  // of squared distances
};

}  // namespace hyperpred
}  // namespace cv

#endif
