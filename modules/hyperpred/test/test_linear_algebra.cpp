// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE linear_algebra
#include "linear_algebra.hpp"

#include <boost/test/unit_test.hpp>

using namespace cv::hyperpred;

namespace {

const double kRounding = 1e-9;  // condition number 1e5 in double

// n x n of rank `rank`.
MatrixXd semiDefinite(int n, int rank) {
    std::srand(7);
    const MatrixXd x = MatrixXd::Random(rank, n);
    return x.transpose() * x;
}

}  // namespace

BOOST_AUTO_TEST_CASE(shifted_system_equals_a_dense_solve) {
    for (int n : {1, 2, 3, 33}) {
        for (int rank : {1, 40}) {
            const MatrixXd a = semiDefinite(n, rank), x = MatrixXd::Random(n, 3), rows = MatrixXd::Random(5, n);
            const ShiftedSystem system(a);
            const MatrixXd& q = system.basis();
            for (double lambda : {1e-3, 1.0, 1e3}) {
                const MatrixXd inverse = (a + lambda * MatrixXd::Identity(n, n)).inverse();
                const MatrixXd solved = q * system.solve(lambda, q.transpose() * x);
                BOOST_TEST((solved - inverse * x).norm() <= kRounding * (inverse * x).norm());
                const VectorXd expected = (rows * inverse * rows.transpose()).diagonal();
                const VectorXd found = system.quadratic(lambda, rows * q);
                BOOST_TEST((found - expected).norm() <= kRounding * expected.norm());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(slightly_indefinite_matrix_stays_finite) {
    MatrixXd a = semiDefinite(33, 5);
    a -= 1e-6 * MatrixXd::Identity(33, 33);
    const ShiftedSystem system(a);
    BOOST_TEST(system.solve(1e-9, MatrixXd::Random(33, 2)).allFinite());
    BOOST_TEST(system.quadratic(1e-9, MatrixXd::Random(4, 33)).minCoeff() >= 0);
}
