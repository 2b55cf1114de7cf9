// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_REFERENCE_PLAIN_LOOPS_HPP
#define HYPERPRED_REFERENCE_PLAIN_LOOPS_HPP

#include <functional>
#include <vector>

#include "backend.hpp"
#include "hypernetwork.hpp"

// doc/model.md as code, formula by formula. Values are floats between operations and doubles inside them.

namespace cv {
namespace hyperpred {
namespace reference {

// y = W x + b; `bias` may be an empty tensor.
std::vector<double> linear(const Tensor& weight, const Tensor& bias, const std::vector<double>& x);
double gelu(double x);

// One image, planes C x H x W. A kernel of C x 1 x k x k on C > 1 planes is depthwise.
std::vector<float> convolve(const std::vector<float>& input, const Shape& in, const Tensor& kernel, int stride, int pad,
                            const Shape& out);

std::vector<float> encode(const SketchParameters& parameters, const ImageBatch& images);             // N x E
std::vector<float> unroll(const RecurrentParameters& parameters, const std::vector<float>& sketch);  // L x d
NetworkWeights generate(const HyperNetwork& hyper, const std::vector<float>& codes);

// Sets the statistics of every batch_norm from the images at `chosen`, breadth-first.
void calibrate(const Architecture& architecture, NetworkWeights& weights, const ImageBatch& sample,
               const std::vector<int>& chosen, const std::function<void(double)>& progress);
void features(const Architecture& architecture, const NetworkWeights& weights, const ImageBatch& images,
              const FeatureChoice& choice, float* out);

}  // namespace reference
}  // namespace hyperpred
}  // namespace cv

#endif
