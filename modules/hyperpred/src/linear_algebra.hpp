// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_LINEAR_ALGEBRA_HPP
#define HYPERPRED_LINEAR_ALGEBRA_HPP

// The one door to Eigen: every file that uses it must see the same macros. Eigen's own threads stay off, threads
// work on whole blocks of images, so that each sum has one order.
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_MPL2_ONLY
// GCC 12 takes its own AVX-512 intrinsics for uninitialised variables where Eigen inlines them (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/Householder>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace cv {
namespace hyperpred {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// Eigen blocks its products by the size of the caches, which would make the last bits depend on the machine: this
// tells it one size for all. Once a process, before the first product.
void fixEigenBlocking();

// A symmetric positive semi-definite matrix A = Q T Q^T with T tridiagonal, to solve with A + lambda for many lambda:
// each costs O(n) a right-hand side. A full eigendecomposition offers the same and takes seven times as long
// (n = 768: 0.30 s against 0.04 s), since it goes on from T by hundreds of sweeps over Q.
class ShiftedSystem {
public:
    explicit ShiftedSystem(const MatrixXd& symmetric);

    const MatrixXd& basis() const { return basis_; }  // Q, n x n
    // (T + lambda)^-1 x, for each column of x (n x m).
    MatrixXd solve(double lambda, MatrixXd x) const;
    // r (T + lambda)^-1 r^T, for each row r of `rows` (m x n).
    VectorXd quadratic(double lambda, const MatrixXd& rows) const;

private:
    // T + lambda = L D L^T with unit lower bidiagonal L.
    struct Factor {
        VectorXd lower, diagonal;
    };
    Factor factor(double lambda) const;

    VectorXd diagonal_, below_;
    MatrixXd basis_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
