// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE head_lda
#include "head_lda.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "feature_draws.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kRounding = 1e-4;  // relative; rows shifted in float (1e-7), condition number up to 1e3

// Class means (p x C) and within-class scatter of standardised features, by plain sums.
struct PlainScatter {
    PlainScatter(const Draw& draw, const VectorXd& scale)
        : means(MatrixXd::Zero(draw.columns, draw.classes)), within(MatrixXd::Zero(draw.columns, draw.columns)) {
        std::vector<int> counts(size_t(draw.classes), 0);
        for (int i = 0; i < draw.images(); ++i) {
            z.push_back(scale.cwiseProduct(
                Eigen::Map<const Eigen::VectorXf>(draw.row(i), draw.columns).cast<double>()));
            means.col(draw.labels[size_t(i)]) += z.back();
            ++counts[size_t(draw.labels[size_t(i)])];
        }
        for (int c = 0; c < draw.classes; ++c) means.col(c) /= std::max(1, counts[size_t(c)]);
        for (int i = 0; i < draw.images(); ++i) {
            z[size_t(i)] -= means.col(draw.labels[size_t(i)]);
            within += z[size_t(i)] * z[size_t(i)].transpose();
        }
    }
    MatrixXd means, within;
    std::vector<VectorXd> z;  // deviations from class means
};

VectorXd halfDistances(const PlainScatter& scatter, const MatrixXd& covariance, const VectorXd& z) {
    const MatrixXd away = scatter.means.colwise() - z;
    return -0.5 * (away.transpose() * covariance.ldlt().solve(away)).diagonal();
}

// Scores are defined up to a constant an image, and those of `skipped` are not compared.
double difference(const VectorXd& a, const VectorXd& b, int skipped) {
    const int base = skipped == 0 ? 1 : 0;
    VectorXd gap = (a.array() - a[base]) - (b.array() - b[base]);
    if (skipped >= 0) gap[skipped] = 0;
    return gap.norm() / (1 + b.norm());
}

void checkAgainstRefits(const Draw& draw, double shrinkage) {
    const Gathered gathered(draw);
    const HeadProblem problem(gathered.table, gathered.statistics);
    const HeadSolution solution = solveLda(problem, shrinkage);
    std::vector<int> images(size_t(draw.images()));
    std::iota(images.begin(), images.end(), 0);
    const MatrixXd scores = solution.leaveOneOut(images.data(), draw.rows.data(), draw.images());

    const PlainScatter whole(draw, problem.inverseScale);
    const double freedom = draw.images() - draw.classes, mean = whole.within.trace() / freedom / draw.columns;
    const MatrixXd target = shrinkage * mean * MatrixXd::Identity(draw.columns, draw.columns);
    for (int i = 0; i < draw.images(); ++i) {
        const VectorXd x = Eigen::Map<const Eigen::VectorXf>(draw.row(i), draw.columns).cast<double>();
        const VectorXd z = problem.inverseScale.cwiseProduct(x);
        const VectorXd fitted = halfDistances(whole, (1 - shrinkage) / freedom * whole.within + target, z);
        BOOST_TEST(difference(solution.weight * x + solution.bias, fitted, -1) <= kRounding);
        const PlainScatter rest(draw.without(i), problem.inverseScale);
        const VectorXd expected = halfDistances(rest, (1 - shrinkage) / freedom * rest.within + target, z);
        const int label = draw.labels[size_t(i)];
        const bool only = problem.counts[size_t(label)] == 1;
        BOOST_TEST(difference(scores.col(i), expected, only ? label : -1) <= kRounding);
        if (only) BOOST_TEST(scores(label, i) == scores.col(i).minCoeff());
        BOOST_TEST(std::fabs(scores.col(i).mean()) <= kRounding * scores.col(i).norm());
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(leave_one_out_equals_refitting) {
    for (double shrinkage : {0.01, 0.3, 1.0}) {
        checkAgainstRefits(Gaussians(7, 3, 1, 1).draw(13), shrinkage);
        checkAgainstRefits(Gaussians(33, 4, 1, 2).draw({9, 1, 3, 2}), shrinkage);
    }
}

// b^2 / d^2 from its definition: (1 / N^2) sum |d d^T - S|^2 over |S - mean I|^2.
BOOST_AUTO_TEST_CASE(shrinkage_equals_ledoit_and_wolf) {
    for (int each : {4, 40}) {
        const Draw draw = Gaussians(17, 3, 1, 3).draw(each);
        const Gathered gathered(draw);
        const HeadProblem problem(gathered.table, gathered.statistics);
        const PlainScatter scatter(draw, problem.inverseScale);
        const double n = draw.images();
        const MatrixXd s = scatter.within / n;
        double noise = 0;
        for (const VectorXd& d : scatter.z) noise += (d * d.transpose() - s).squaredNorm() / (n * n);
        const double distance = (s - s.trace() / 17 * MatrixXd::Identity(17, 17)).squaredNorm();
        BOOST_TEST(noise < distance);
        BOOST_TEST(solveLda(problem).regulariser == noise / distance, boost::test_tools::tolerance(1e-5));
    }
}
