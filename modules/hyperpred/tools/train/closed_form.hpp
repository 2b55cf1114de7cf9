// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_CLOSED_FORM_HPP
#define HYPERPRED_TRAIN_CLOSED_FORM_HPP

#include <torch/torch.h>

namespace cv {
namespace hyperpred {

// Differentiable heads, fitted on support features (N x F, labels 0..classes-1) in float; they return the logits of
// the query features (Q x F).

// One-hot ridge regression on centred features, dual form: lambda is a share of the mean diagonal of the support's
// gram matrix, so that it means the same at any number of images, features and scale.
torch::Tensor ridgeLogits(const torch::Tensor& support, const torch::Tensor& labels, int64_t classes,
                          const torch::Tensor& query, const torch::Tensor& lambda, const torch::Tensor& temperature);

// Cosine to the means of the L2-normalised support features of each class (the paper's head).
torch::Tensor cosineLogits(const torch::Tensor& support, const torch::Tensor& labels, int64_t classes,
                           const torch::Tensor& query, const torch::Tensor& temperature);

// Mean cross-entropy of logits whose classes compete within `allowed` (rows as logits, false: class cannot be meant);
// `smoothing` of the target is spread over the allowed classes. An undefined `allowed` allows all.
torch::Tensor crossEntropy(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& allowed,
                           double smoothing);

// Mean over rows of (KL(p | q) + KL(q | p)) / 2 of the two softmax distributions.
torch::Tensor symmetricDivergence(const torch::Tensor& logits, const torch::Tensor& others);

}  // namespace hyperpred
}  // namespace cv

#endif
