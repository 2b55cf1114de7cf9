// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_closed_form
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include "closed_form.hpp"
#include "optimiser.hpp"

using namespace cv::hyperpred;

namespace {

// Single precision against double over some hundred terms.
const double kTolerance = 2e-3;

struct Problem {
    torch::Tensor support, labels, query;
    int64_t classes = 3;
};
Problem drawProblem(int64_t images, int64_t features) {
    torch::manual_seed(4);
    Problem problem;
    problem.labels = torch::arange(images) % problem.classes;
    problem.support = torch::randn({images, features}) + problem.labels.unsqueeze(1);
    problem.query = torch::randn({5, features});
    return problem;
}

}  // namespace

BOOST_AUTO_TEST_CASE(DualRidgeEqualsThePrimalSolveInDouble) {
    for (const int64_t features : {4, 60}) {
        const Problem p = drawProblem(25, features);
        const torch::Tensor logits =
            ridgeLogits(p.support, p.labels, p.classes, p.query, torch::tensor(0.3f), torch::tensor(2.f));
        const torch::Tensor x = p.support.to(torch::kDouble), mean = x.mean(0, true), centred = x - mean;
        const torch::Tensor y = torch::one_hot(p.labels, p.classes).to(torch::kDouble), prior = y.mean(0, true);
        const double penalty = 0.3 * centred.square().sum().item<double>() / 25;
        const torch::Tensor normal =
            at::matmul(centred.t(), centred) + penalty * torch::eye(features, torch::kDouble);
        const torch::Tensor weights = at::linalg_solve(normal, at::matmul(centred.t(), y - prior));
        const torch::Tensor expected = 2 * (at::matmul(p.query.to(torch::kDouble) - mean, weights) + prior);
        BOOST_CHECK_LT((logits.to(torch::kDouble) - expected).abs().max().item<double>(), kTolerance);
    }
}

BOOST_AUTO_TEST_CASE(RidgeGradientFollowsFiniteDifferences) {
    const Problem p = drawProblem(12, 6);
    const torch::Tensor lambda = torch::tensor(0.2f), temperature = torch::tensor(3.f);
    const auto loss = [&](const torch::Tensor& support) {
        const torch::Tensor logits = ridgeLogits(support, p.labels, p.classes, p.query, lambda, temperature);
        return crossEntropy(logits, torch::zeros({5}, torch::kLong), {}, 0);
    };
    torch::Tensor support = p.support.clone().requires_grad_(true);
    loss(support).backward();
    const torch::Tensor direction = torch::randn_like(p.support);
    const float step = 1e-2f;
    const torch::NoGradGuard noGradient;
    const double slope =
        (loss(p.support + step * direction) - loss(p.support - step * direction)).item<double>() / (2 * double(step));
    BOOST_CHECK_SMALL(slope - (support.grad() * direction).sum().item<double>(), kTolerance);
}

BOOST_AUTO_TEST_CASE(CosineIgnoresTheLengthOfFeatures) {
    const Problem p = drawProblem(12, 6);
    const torch::Tensor ten = torch::tensor(10.f);
    const torch::Tensor plain = cosineLogits(p.support, p.labels, p.classes, p.query, ten);
    const torch::Tensor scaled = cosineLogits(p.support * 7, p.labels, p.classes, p.query * 0.2, ten);
    BOOST_CHECK_LT((plain - scaled).abs().max().item<double>(), kTolerance);
    BOOST_CHECK_LE(plain.abs().max().item<double>(), 10 + kTolerance);
}

BOOST_AUTO_TEST_CASE(ClassesOutsideTheAllowedOnesCountForNothing) {
    const torch::Tensor logits = torch::randn({4, 6}), labels = torch::tensor({0, 1, 2, 1}, torch::kLong);
    const torch::Tensor allowed = (torch::arange(6) < 3).unsqueeze(0).expand({4, 6});
    for (const double smoothing : {0.0, 0.1}) {
        const double masked = crossEntropy(logits, labels, allowed, smoothing).item<double>();
        const double cut = crossEntropy(logits.slice(1, 0, 3), labels, {}, smoothing).item<double>();
        BOOST_CHECK_SMALL(masked - cut, kTolerance);
    }
}

BOOST_AUTO_TEST_CASE(DivergenceIsSymmetricAndZeroOnlyForEqualDistributions) {
    const torch::Tensor a = torch::randn({4, 6}), b = torch::randn({4, 6});
    BOOST_CHECK_SMALL(symmetricDivergence(a, a + 3).item<double>(), 1e-6);
    BOOST_CHECK_SMALL((symmetricDivergence(a, b) - symmetricDivergence(b, a)).item<double>(), 1e-6);
    BOOST_CHECK_GT(symmetricDivergence(a, b).item<double>(), 0.01);
}

// The optimisers against torch's own.
BOOST_AUTO_TEST_CASE(StepsEqualTorchsOptimisers) {
    for (const bool adamw : {false, true}) {
        const torch::Tensor start = torch::randn({3, 4}), target = torch::randn({3, 4});
        torch::Tensor theirs = start.clone().requires_grad_(true);
        Named ours = {{"w", start.clone().requires_grad_(true)}}, state;
        std::unique_ptr<torch::optim::Optimizer> optimiser;
        if (adamw) {
            optimiser = std::make_unique<torch::optim::AdamW>(std::vector<torch::Tensor>{theirs},
                                                              torch::optim::AdamWOptions(0.05).weight_decay(0.1));
        } else {
            optimiser = std::make_unique<torch::optim::SGD>(
                std::vector<torch::Tensor>{theirs},
                torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(true).weight_decay(0.1));
        }
        OptimiserRule rule;
        rule.adamw = adamw;
        rule.weightDecay = 0.1;
        for (int64_t step = 1; step <= 10; ++step) {
            optimiser->zero_grad();
            (theirs - target).pow(2).sum().backward();
            optimiser->step();
            (ours.at("w") - target).pow(2).sum().backward();
            applyGradients(ours, state, rule, [](const std::string&) { return 0.05; }, step);
        }
        BOOST_CHECK_LT((theirs - ours.at("w")).abs().max().item<double>(), 1e-4);
        BOOST_CHECK_GT((theirs - start).abs().max().item<double>(), 0.1);
    }
}

BOOST_AUTO_TEST_CASE(RateRisesAndThenFallsToZero) {
    BOOST_CHECK_LT(scheduledRate(1, "cosine", 0, 100, 10), 0.2);
    BOOST_CHECK_CLOSE(scheduledRate(1, "cosine", 10, 100, 10), 1.0, 1e-6);
    BOOST_CHECK_LT(scheduledRate(1, "cosine", 99, 100, 10), 0.01);
    BOOST_CHECK_EQUAL(scheduledRate(1, "constant", 99, 100, 10), 1.0);
}
