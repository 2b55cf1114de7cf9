// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HEAD_LDA_HPP
#define HYPERPRED_HEAD_LDA_HPP

#include "head_problem.hpp"

namespace cv {
namespace hyperpred {

// Linear discriminant analysis with equal priors: minus half the squared distances to the class means
// (within_metric.hpp, which says what `shrinkage` is), relative to their mean over the classes, so that the greatest
// score does not depend on the features' origin. Leave-one-out scores are those of a head fitted without the image.
HeadSolution solveLda(const HeadProblem& problem, double shrinkage = -1);

}  // namespace hyperpred
}  // namespace cv

#endif
