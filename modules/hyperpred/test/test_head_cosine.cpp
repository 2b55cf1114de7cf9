// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE head_cosine
#include "head_cosine.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "feature_draws.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kRounding = 1e-12;

VectorXd unit(const Draw& draw, int i) {
    return Eigen::Map<const Eigen::VectorXf>(draw.row(i), draw.columns).cast<double>().normalized();
}

// Cosine of image f with each class's mean of unit features; NaN for a class without images.
VectorXd cosines(const Draw& draw, const VectorXd& f) {
    MatrixXd sums = MatrixXd::Zero(draw.columns, draw.classes);
    for (int i = 0; i < draw.images(); ++i) sums.col(draw.labels[size_t(i)]) += unit(draw, i);
    VectorXd result(draw.classes);
    for (int c = 0; c < draw.classes; ++c) result[c] = sums.col(c).dot(f) / sums.col(c).norm();
    return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(leave_one_out_equals_refitting) {
    const Draw draw = Gaussians(33, 4, 0.5, 1).draw({20, 2, 7, 1});
    const Gathered gathered(draw);
    const HeadProblem problem(gathered.table, gathered.statistics);
    const HeadSolution solution = solveCosine(problem);
    std::vector<int> images(size_t(draw.images()));
    std::iota(images.begin(), images.end(), 0);
    const MatrixXd scores = solution.leaveOneOut(images.data(), draw.rows.data(), draw.images());
    for (int i = 0; i < draw.images(); ++i) {
        const VectorXd f = unit(draw, i);
        BOOST_TEST((solution.weight * f + solution.bias - cosines(draw, f)).norm() <= kRounding);
        VectorXd expected = cosines(draw.without(i), f);
        if (draw.labels[size_t(i)] == 3) expected[3] = expected.head(3).minCoeff();
        BOOST_TEST((scores.col(i) - expected).norm() <= kRounding);
    }
    BOOST_TEST(solution.normalise);
}
