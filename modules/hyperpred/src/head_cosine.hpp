// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HEAD_COSINE_HPP
#define HYPERPRED_HEAD_COSINE_HPP

#include "head_problem.hpp"

namespace cv {
namespace hyperpred {

// Cosine between the feature and each class's mean of unit-length features (paper, section 3.4); an image is judged
// by the mean of its class without it.
HeadSolution solveCosine(const HeadProblem& problem);

}  // namespace hyperpred
}  // namespace cv

#endif
