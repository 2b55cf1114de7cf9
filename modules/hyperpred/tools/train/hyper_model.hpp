// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_HYPER_MODEL_HPP
#define HYPERPRED_TRAIN_HYPER_MODEL_HPP

#include <torch/torch.h>

#include "hypernetwork.hpp"
#include "target_network.hpp"

namespace cv {
namespace hyperpred {

// The differentiable twin of the runtime's sketch, recurrent cell and generators; formulas and tensor names are those
// of doc/model.md, and `export --golden` writes what the runtime's tests compare.

// Fresh tensors of the hypernetwork: the film gains and the low-rank kernels start at zero, so that at first the
// prediction is the base network.
Named initialHyper(const HyperConfig& config, const Architecture& architecture, torch::Generator& chance);

// Images N x 3 x S x S, RGB, 0..255 -> N x 3 x 32 x 32, 0..1, by area.
torch::Tensor encoderPlanes(const torch::Tensor& images);
// N x 24 numbers of the `stats` encoder.
torch::Tensor planeStatistics(const torch::Tensor& planes);
// N x E features with labels 0..classes-1 -> 4 E.
torch::Tensor pooledByLabel(const torch::Tensor& features, const torch::Tensor& labels, int64_t classes);
// The sketch of a support set, d numbers.
torch::Tensor sketchOf(const HyperConfig& config, const Named& parameters, const torch::Tensor& planes,
                       const torch::Tensor& labels, int64_t classes);
// Codes L x d from the sketch.
torch::Tensor unrollCodes(const HyperConfig& config, const Architecture& architecture, const Named& parameters,
                          const torch::Tensor& sketch);
// The target network's weights from the codes.
TargetWeights predictWeights(const HyperConfig& config, const Architecture& architecture, const Named& parameters,
                             const torch::Tensor& codes);

}  // namespace hyperpred
}  // namespace cv

#endif
