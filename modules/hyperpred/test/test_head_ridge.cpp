// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE head_ridge
#include "head_ridge.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "feature_draws.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const double kRounding = 1e-6;
const double kShiftRounding = 1e-7;  // of rows shifted in float before the Gram matrix, which only the primal form uses

double tolerance(RidgeForm form, double lambda) {
    return kRounding + (form == RidgeForm::Primal ? kShiftRounding / lambda : 0);
}

// What stays when an image is left out.
struct Fixed {
    VectorXd inverseScale;
    double k = 0, lambda = 0;
};

// A and the g_c (p x C, 0 for a class without images) of the definition in head_ridge.hpp, by plain sums.
struct PlainRidge {
    PlainRidge(const Draw& draw, const Fixed& fixed) : g(MatrixXd::Zero(draw.columns, draw.classes)) {
        const int p = draw.columns;
        std::vector<int> counts(size_t(draw.classes), 0);
        for (int i = 0; i < draw.images(); ++i) {
            g.col(draw.labels[size_t(i)]) += standardised(draw, i, fixed);
            ++counts[size_t(draw.labels[size_t(i)])];
        }
        for (int c = 0; c < draw.classes; ++c) {
            if (counts[size_t(c)] == 0) continue;
            g.col(c) /= counts[size_t(c)];
            ++present;
        }
        a = MatrixXd::Zero(p, p);
        for (int i = 0; i < draw.images(); ++i) {
            const VectorXd d = standardised(draw, i, fixed) - g.col(draw.labels[size_t(i)]);
            a += d * d.transpose();
        }
        mean = g.rowwise().sum() / present;
        for (int c = 0; c < draw.classes; ++c) {
            if (counts[size_t(c)] > 0) g.col(c) -= mean;
        }
        a += fixed.k * g * g.transpose();
    }
    static VectorXd standardised(const Draw& draw, int i, const Fixed& fixed) {
        return fixed.inverseScale.cwiseProduct(
            Eigen::Map<const Eigen::VectorXf>(draw.row(i), draw.columns).cast<double>());
    }
    VectorXd scores(const VectorXd& z, const Fixed& fixed) const {
        const MatrixXd shifted = a + fixed.lambda * MatrixXd::Identity(a.rows(), a.cols());
        return (fixed.k * (g.transpose() * shifted.ldlt().solve(z - mean))).array() + 1.0 / present;
    }
    int present = 0;
    MatrixXd g, a;
    VectorXd mean;
};

Fixed fixedOf(const Draw& draw, const HeadProblem& problem, double lambda) {
    Fixed fixed;
    fixed.inverseScale = problem.inverseScale;
    fixed.k = double(draw.images()) / draw.classes;
    fixed.lambda = lambda * PlainRidge(draw, fixed).a.trace() / draw.columns;
    return fixed;
}

// Leave-one-out scores of all images, C x N.
MatrixXd allScores(const Draw& draw, const HeadSolution& solution) {
    std::vector<int> images(size_t(draw.images()));
    std::iota(images.begin(), images.end(), 0);
    return solution.leaveOneOut(images.data(), draw.rows.data(), draw.images());
}

void checkAgainstRefits(const Draw& draw, double lambda, RidgeForm form) {
    const Gathered gathered(draw);
    const HeadProblem problem(gathered.table, gathered.statistics);
    const HeadSolution solution = solveRidge(problem, lambda, form);
    const Fixed fixed = fixedOf(draw, problem, lambda);
    const MatrixXd scores = allScores(draw, solution);
    const PlainRidge whole(draw, fixed);
    for (int i = 0; i < draw.images(); ++i) {
        const VectorXd x = Eigen::Map<const Eigen::VectorXf>(draw.row(i), draw.columns).cast<double>();
        const VectorXd z = PlainRidge::standardised(draw, i, fixed);
        BOOST_TEST((solution.weight * x + solution.bias - whole.scores(z, fixed)).norm() <= tolerance(form, lambda));
        VectorXd expected = PlainRidge(draw.without(i), fixed).scores(z, fixed);
        const int label = draw.labels[size_t(i)];
        if (problem.counts[size_t(label)] == 1) {
            expected[label] = std::numeric_limits<double>::max();
            expected[label] = expected.minCoeff();
        }
        BOOST_TEST((scores.col(i) - expected).norm() <= tolerance(form, lambda));
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(leave_one_out_equals_refitting) {
    for (double lambda : {1e-4, 0.1, 10.0}) {
        for (RidgeForm form : {RidgeForm::Primal, RidgeForm::Dual}) {
            checkAgainstRefits(Gaussians(7, 3, 1, 1).draw(13), lambda, form);            // N > p
            checkAgainstRefits(Gaussians(33, 3, 1, 2).draw(5), lambda, form);            // N < p
            checkAgainstRefits(Gaussians(7, 3, 1, 3).draw({30, 2, 1}), lambda, form);    // unequal
            checkAgainstRefits(Gaussians(33, 4, 1, 4).draw({9, 1, 3, 1}), lambda, form);
            checkAgainstRefits(Gaussians(5, 2, 1, 5).draw({3, 1}), lambda, form);
        }
    }
}

// The formula of head_ridge.hpp is ridge regression on one-hot targets where classes are of one size.
BOOST_AUTO_TEST_CASE(equal_classes_give_plain_ridge_regression) {
    const Draw draw = Gaussians(7, 3, 1, 1).draw(13);
    const Gathered gathered(draw);
    const HeadProblem problem(gathered.table, gathered.statistics);
    const HeadSolution solution = solveRidge(problem, 0.5, RidgeForm::Primal);
    const Fixed fixed = fixedOf(draw, problem, 0.5);
    MatrixXd z(draw.images(), 7), y = MatrixXd::Constant(draw.images(), 3, -1.0 / 3);
    for (int i = 0; i < draw.images(); ++i) {
        z.row(i) = PlainRidge::standardised(draw, i, fixed).transpose();
        y(i, draw.labels[size_t(i)]) += 1;
    }
    z.rowwise() -= z.colwise().mean().eval();
    const MatrixXd normal = z.transpose() * z + fixed.lambda * MatrixXd::Identity(7, 7);
    const MatrixXd weight = fixed.inverseScale.asDiagonal() * normal.ldlt().solve(z.transpose() * y);
    BOOST_TEST((solution.weight - weight.transpose()).norm() <= kRounding * weight.norm());
}

BOOST_AUTO_TEST_CASE(primal_and_dual_choose_the_same_head) {
    for (int each : {6, 40}) {
        const Draw draw = Gaussians(33, 5, 0.3, 6).draw({each, each, 2 * each, 3, 1});
        const Gathered gathered(draw);
        const HeadProblem problem(gathered.table, gathered.statistics);
        const HeadSolution primal = solveRidge(problem, 0, RidgeForm::Primal);
        const HeadSolution dual = solveRidge(problem, 0, RidgeForm::Dual);
        BOOST_TEST(primal.regulariser == dual.regulariser);
        BOOST_TEST(primal.temperature == dual.temperature, boost::test_tools::tolerance(1e-4));
        BOOST_TEST((primal.weight - dual.weight).norm() <= tolerance(RidgeForm::Primal, 0.01) * dual.weight.norm());
        BOOST_TEST((allScores(draw, primal) - allScores(draw, dual)).norm() <= 1e-4);
    }
}

// The choice is the best of the grid on the log loss that is promised.
BOOST_AUTO_TEST_CASE(lambda_has_the_least_log_loss_of_the_grid) {
    const Draw draw = Gaussians(33, 3, 0.5, 7).draw(40);
    const Gathered gathered(draw);
    const HeadProblem problem(gathered.table, gathered.statistics);
    const auto loss = [&](double lambda) {
        return fitTemperature(allScores(draw, solveRidge(problem, lambda)), draw.labels).logLoss;
    };
    const double chosen = solveRidge(problem).regulariser;
    for (int k = -10; k <= 4; ++k) BOOST_TEST(loss(chosen) <= loss(std::pow(10.0, 0.5 * k)) + kRounding);
    BOOST_TEST(chosen > 1e-5);
    BOOST_TEST(chosen < 1e2);
}

// Few images, many features, classes that are easily told apart: every lambda is as good as any other but for rounding,
// which must not choose (a processor rounds like this, another like that).
BOOST_AUTO_TEST_CASE(rounding_of_the_features_does_not_choose_lambda) {
    for (const unsigned seed : {8u, 9u, 10u, 11u}) {
        Draw draw = Gaussians(301, 2, 0.6, seed).draw(4);
        const Gathered gathered(draw);
        const HeadSolution solution = solveRidge(HeadProblem(gathered.table, gathered.statistics));
        for (size_t i = 0; i < draw.rows.size(); ++i) draw.rows[i] *= 1 + 1e-6f * float(int(i * 7919 % 5) - 2);
        const Gathered again(draw);
        const HeadSolution other = solveRidge(HeadProblem(again.table, again.statistics));
        BOOST_TEST(solution.regulariser == other.regulariser);
        BOOST_TEST(solution.temperature == other.temperature, boost::test_tools::tolerance(1e-3));
    }
}

// Down to the least lambda of the grid that is taken.
BOOST_AUTO_TEST_CASE(leave_one_out_is_exact_for_eight_images) {
    const Draw draw = Gaussians(301, 2, 0.6, 8).draw(4);
    checkAgainstRefits(draw, 1e-5 * 301 / (8 + 2), RidgeForm::Dual);
}
