// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE temperature
#include "temperature.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

using namespace cv::hyperpred;

namespace {

// Scores that give the label a lead of `lead` over unit noise.
MatrixXd drawScores(int classes, int images, double lead, std::vector<int>& labels) {
    std::mt19937 engine(5);
    std::normal_distribution<double> normal;
    MatrixXd scores(classes, images);
    labels.clear();
    for (int i = 0; i < images; ++i) {
        labels.push_back(i % classes);
        for (int c = 0; c < classes; ++c) scores(c, i) = normal(engine) + (c == labels.back() ? lead : 0);
    }
    return scores;
}

double spread(const MatrixXd& scores) {
    return (scores.colwise().maxCoeff() - scores.colwise().mean()).mean();
}

}  // namespace

// The grid's step is 1 %, the loss is flat at its optimum.
BOOST_AUTO_TEST_CASE(optimum_equals_a_grid_search) {
    std::vector<int> labels;
    for (double lead : {0.3, 1.0, 3.0}) {
        for (int classes : {2, 7}) {
            const MatrixXd scores = drawScores(classes, 257, lead, labels);
            double best = 0, least = 1e300;
            for (double t = 1e-3; t < 1e3; t *= 1.01) {
                const double loss = smoothedLogLoss(scores, labels, t);
                if (loss < least) {
                    least = loss;
                    best = t;
                }
            }
            const Temperature fitted = fitTemperature(scores, labels);
            BOOST_TEST(fitted.value == best, boost::test_tools::tolerance(0.02));
            BOOST_TEST(fitted.logLoss <= least);
        }
    }
}

// -mean log softmax with the smoothed target, from its definition.
BOOST_AUTO_TEST_CASE(smoothed_log_loss_equals_its_definition) {
    std::vector<int> labels;
    const MatrixXd scores = drawScores(3, 5, 1, labels);
    double loss = 0;
    for (int i = 0; i < 5; ++i) {
        double sum = 0;
        for (int c = 0; c < 3; ++c) sum += std::exp(2 * scores(c, i));
        for (int c = 0; c < 3; ++c) {
            const double target = (c == labels[size_t(i)] ? 5.0 / 6 : 0) + 1.0 / 18;
            loss -= target * std::log(std::exp(2 * scores(c, i)) / sum) / 5;
        }
    }
    BOOST_TEST(smoothedLogLoss(scores, labels, 2) == loss, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(temperature_is_inverse_to_the_scale) {
    std::vector<int> labels;
    const MatrixXd scores = drawScores(4, 101, 1, labels);
    const double one = fitTemperature(scores, labels).value;
    for (double scale : {1e-9, 1e9}) {
        BOOST_TEST(fitTemperature(scale * scores, labels).value * scale == one, boost::test_tools::tolerance(1e-3));
    }
}

// n right answers out of n are worth about n / (n + 1) at most, and never more than the cap allows.
BOOST_AUTO_TEST_CASE(separable_scores_keep_finite_logits) {
    std::vector<int> labels;
    for (int images : {10, 1000}) {
        const MatrixXd scores = drawScores(2, images, 1000, labels);
        const Temperature fitted = fitTemperature(scores, labels);
        BOOST_TEST(fitted.value * spread(scores) <= 100);
        BOOST_TEST(fitted.logLoss > 0.1 / images);
        const double doubt = std::exp(-1000 * fitted.value);
        BOOST_TEST(doubt > 0.1 / images);
        BOOST_TEST(doubt < 2.0 / images);
    }
}

BOOST_AUTO_TEST_CASE(misleading_and_flat_scores_stay_in_range) {
    std::vector<int> labels;
    const MatrixXd wrong = drawScores(3, 100, -5, labels);
    BOOST_TEST(fitTemperature(wrong, labels).value * spread(wrong) == 0.1, boost::test_tools::tolerance(1e-3));
    const MatrixXd flat = MatrixXd::Constant(3, 100, 0.25);
    BOOST_TEST(fitTemperature(flat, labels).value == 1);
    BOOST_TEST(fitTemperature(flat, labels).logLoss == std::log(3.0), boost::test_tools::tolerance(1e-12));
    BOOST_TEST(unjudgedTemperature(wrong) * spread(wrong) == 4, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(unjudgedTemperature(MatrixXd(3, 0)) == 1);
}
