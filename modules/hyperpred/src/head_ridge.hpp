// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HEAD_RIDGE_HPP
#define HYPERPRED_HEAD_RIDGE_HPP

#include "head_problem.hpp"

namespace cv {
namespace hyperpred {

// Primal: a p x p system, the images stream by. Dual: an (N + C) x (N + C) system, all images in memory. The same
// head.
enum class RidgeForm { Shorter, Primal, Dual };

// Ridge regression of one-hot targets on standardised features with an unpenalised intercept, as if each class had
// N / C images with its own mean and the pooled scatter around it:
//   A = S + k sum_c g_c g_c^T, weights k (A + lambda)^-1 g_c, intercept 1 / C,
// with S the within-class scatter, g_c the class mean less the mean of the class means and k = N / C. With classes of
// one size this is plain ridge regression. Otherwise a rare class counts as much as a common one, but not the scatter
// of its few images, as it would if each image had the weight N / (C n_c): pooling was 0 to 5 points better
// on held-out Gaussian draws of unequal classes.
//
// Leave-one-out scores are exact for a head fitted without the image with k, scale and lambda kept: A changes by rank
// two, O(p C) an image.
//
// `lambda` is relative to the mean eigenvalue of A. 0 or below: from 1e-5, 3e-5 .. 1e2 (with fewer images than features
// the grid begins at 1e-5 p / (N + C)) by smoothed leave-one-out log loss at each one's best temperature
// (temperature.hpp) on judgedImages(), where images count equally; 1 when no class has a second image to judge by.
HeadSolution solveRidge(const HeadProblem& problem, double lambda = 0, RidgeForm form = RidgeForm::Shorter);

}  // namespace hyperpred
}  // namespace cv

#endif
