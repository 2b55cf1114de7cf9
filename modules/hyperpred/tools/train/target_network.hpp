// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_TARGET_NETWORK_HPP
#define HYPERPRED_TRAIN_TARGET_NETWORK_HPP

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "architecture.hpp"

namespace cv {
namespace hyperpred {

// Named tensors: parameters as doc/model.md names them.
using Named = std::map<std::string, torch::Tensor>;

// Weights of every node for one forward pass; undefined where a node has none.
struct TargetWeights {
    std::vector<torch::Tensor> kernel, gamma, beta;  // by node
};
// He-normal kernels, gamma 1, beta 0, under "base.*".
Named initialBase(const Architecture& architecture, torch::Generator& chance);
TargetWeights baseWeights(const Architecture& architecture, const Named& parameters);

// Images N x 3 x S x S, RGB, 0..255, of any edge -> normalised as the architecture says, channels last.
torch::Tensor normalised(const Architecture& architecture, const torch::Tensor& images);

// Outputs of the stages, pooled over space both ways: N x channels each, float.
struct StageOutputs {
    std::vector<torch::Tensor> mean, rms;
};

// Mean and population variance of what each batch_norm node gets, by its name.
struct Moments {
    std::map<std::string, torch::Tensor> mean, variance;
};
// One forward pass with batch statistics (the runtime calibrates in the same way), which `gathered`, when given,
// receives.
StageOutputs forwardTarget(const Architecture& architecture, const TargetWeights& weights, const torch::Tensor& input,
                           Moments* gathered = nullptr);
// The same with statistics that are known.
StageOutputs forwardCalibrated(const Architecture& architecture, const TargetWeights& weights,
                               const torch::Tensor& input, const Moments& moments);

// Whether the convolutions of a training compute in bf16: run.precision says so, or leaves it ("auto") to the device. A
// processor without bf16 instructions emulates them, many times slower than float.
bool computesInHalf(const std::string& precision, const torch::Device& device);

// bf16 autocast on the device while it lives, when asked for.
class Autocast {
public:
    Autocast(bool on, const torch::Device& device);
    ~Autocast();
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    bool on_;
    torch::Device device_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
