// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "linear_algebra.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {

void fixEigenBlocking() {
    static const bool once = [] {
        Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20);
        return true;
    }();
    (void)once;
}

ShiftedSystem::ShiftedSystem(const MatrixXd& symmetric) {
    const Eigen::Tridiagonalization<MatrixXd> form(symmetric);
    diagonal_ = form.diagonal();
    below_ = form.subDiagonal();
    basis_ = form.matrixQ();
}

ShiftedSystem::Factor ShiftedSystem::factor(double lambda) const {
    const Eigen::Index n = diagonal_.size();
    Factor f{VectorXd::Zero(n), VectorXd(n)};
    // Sums of products rounded to float can make A slightly indefinite: a pivot stays positive even then.
    const double least = 1e-3 * lambda;
    f.diagonal[0] = std::max(diagonal_[0] + lambda, least);
    for (Eigen::Index k = 1; k < n; ++k) {
        f.lower[k] = below_[k - 1] / f.diagonal[k - 1];
        f.diagonal[k] = std::max(diagonal_[k] + lambda - f.lower[k] * below_[k - 1], least);
    }
    return f;
}

MatrixXd ShiftedSystem::solve(double lambda, MatrixXd x) const {
    const Factor f = factor(lambda);
    const Eigen::Index n = diagonal_.size();
    for (Eigen::Index c = 0; c < x.cols(); ++c) {
        double* column = x.col(c).data();
        for (Eigen::Index k = 1; k < n; ++k) column[k] -= f.lower[k] * column[k - 1];
        column[n - 1] /= f.diagonal[n - 1];
        for (Eigen::Index k = n - 1; k-- > 0;) {
            column[k] = column[k] / f.diagonal[k] - f.lower[k + 1] * column[k + 1];
        }
    }
    return x;
}

VectorXd ShiftedSystem::quadratic(double lambda, const MatrixXd& rows) const {
    const Factor f = factor(lambda);
    VectorXd forward = rows.col(0);
    VectorXd sum = forward.cwiseAbs2() / f.diagonal[0];
    for (Eigen::Index k = 1; k < diagonal_.size(); ++k) {
        forward = rows.col(k) - f.lower[k] * forward;
        sum += forward.cwiseAbs2() / f.diagonal[k];
    }
    return sum;
}

}  // namespace hyperpred
}  // namespace cv
