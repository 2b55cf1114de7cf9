// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_WITHIN_METRIC_HPP
#define HYPERPRED_WITHIN_METRIC_HPP

#include "head_problem.hpp"

namespace cv {
namespace hyperpred {

// Distances to the class means, measured by how images of one class differ among themselves (Mahalanobis): the metric
// of linear discriminant analysis. The covariance on standardised features is
//   (1 - shrinkage) W / (N - C) + shrinkage mu I = L L^T,
// with W the within-class scatter and mu its mean variance. `shrinkage` below 0: by Ledoit and Wolf (2004, "A
// well-conditioned estimator for large-dimensional covariance matrices"), with deviations from class means in place of
// the mean's. Where nothing varies within classes the metric is Euclid's.
class WithinMetric {
public:
    explicit WithinMetric(const HeadProblem& problem, double shrinkage = -1);

    double shrinkage() const { return shrinkage_; }
    // p x C, v_c = L^-1 (class mean, standardised).
    const MatrixXd& means() const { return means_; }
    // p x p, T with u = T (x - centre): squared lengths of u - v_c are the distances.
    MatrixXd transform() const;
    // p x C, T^T v_c: the gradient of v_c^T u by the raw feature x.
    MatrixXd directions() const;
    // C x count, squared distances of images to the class means in the metric that the image was taken out of, with
    // shrinkage, mu and divisor kept: it leaves its class mean, and the scatter by a rank-one downdate
    // (Sherman-Morrison), O(p^2) an image. An only image is as far from its own class as from the farthest other.
    MatrixXd leaveOneOutDistances(const int* images, const float* rows, int count) const;

private:
    const HeadProblem& problem_;
    double shrinkage_ = 0;
    double scatterShare_ = 0;        // (1 - shrinkage) / (N - C): what one unit of scatter adds to the covariance
    Eigen::LLT<MatrixXd> cholesky_;  // of the covariance
    MatrixXd means_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
