// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HEAD_LDA_HPP
#define HYPERPRED_HEAD_LDA_HPP

#include "head_problem.hpp"

namespace cv {
namespace hyperpred {

// Linear discriminant analysis with equal priors on standardised features: covariance
// (1 - shrinkage) W / (N - C) + shrinkage mu I, with W the within-class scatter and mu its mean variance. Scores are
// relative to their mean over the classes, so that the greatest one does not depend on the features' origin.
//
// Leave-one-out scores are those of a head fitted without the image with shrinkage, mu and divisor N - C kept: the
// image leaves its class mean, and the scatter by a rank-one downdate (Sherman-Morrison), O(p C) an image.
//
// `shrinkage` below 0: by Ledoit and Wolf (2004, "A well-conditioned estimator for large-dimensional covariance
// matrices"), with deviations from class means in place of the mean's.
HeadSolution solveLda(const HeadProblem& problem, double shrinkage = -1);

}  // namespace hyperpred
}  // namespace cv

#endif
