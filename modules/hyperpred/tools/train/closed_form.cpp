// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "closed_form.hpp"

namespace cv {
namespace hyperpred {

namespace F = torch::nn::functional;

torch::Tensor ridgeLogits(const torch::Tensor& support, const torch::Tensor& labels, int64_t classes,
                          const torch::Tensor& query, const torch::Tensor& lambda, const torch::Tensor& temperature) {
    const torch::Tensor mean = support.mean(0, true), x = support - mean;
    const torch::Tensor targets = F::one_hot(labels, classes).to(torch::kFloat);
    const torch::Tensor prior = targets.mean(0, true);
    const torch::Tensor gram = at::matmul(x, x.t());
    const torch::Tensor penalty = lambda * gram.diagonal().mean() + 1e-6;
    const torch::Tensor factor = at::linalg_cholesky(gram + penalty * torch::eye(x.size(0), x.options()));
    const torch::Tensor duals = at::cholesky_solve(targets - prior, factor);
    return temperature * (at::matmul(at::matmul(query - mean, x.t()), duals) + prior);
}

torch::Tensor cosineLogits(const torch::Tensor& support, const torch::Tensor& labels, int64_t classes,
                           const torch::Tensor& query, const torch::Tensor& temperature) {
    const auto unit = [](const torch::Tensor& x) { return F::normalize(x, F::NormalizeFuncOptions().dim(1)); };
    const torch::Tensor members = F::one_hot(labels, classes).to(torch::kFloat).t();
    const torch::Tensor means = at::matmul(members / members.sum(1, true), unit(support));
    return temperature * at::matmul(unit(query), unit(means).t());
}

torch::Tensor crossEntropy(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& allowed,
                           double smoothing) {
    const torch::Tensor masked = allowed.defined() ? logits.masked_fill(allowed.logical_not(), -1e4) : logits;
    const torch::Tensor logs = torch::log_softmax(masked, 1);
    const torch::Tensor own = -logs.gather(1, labels.unsqueeze(1)).squeeze(1);
    if (smoothing <= 0) return own.mean();
    torch::Tensor spread = -logs.mean(1);
    if (allowed.defined()) spread = -(logs * allowed).sum(1) / allowed.sum(1);
    return ((1 - smoothing) * own + smoothing * spread).mean();
}

torch::Tensor symmetricDivergence(const torch::Tensor& logits, const torch::Tensor& others) {
    const torch::Tensor p = torch::log_softmax(logits, 1), q = torch::log_softmax(others, 1);
    return 0.5 * ((p.exp() - q.exp()) * (p - q)).sum(1).mean();
}

}  // namespace hyperpred
}  // namespace cv
