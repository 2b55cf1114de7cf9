// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "target_network.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include <cmath>
#include <functional>

#include "generators.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kLeastSquare = 1e-10;

void setAutocast(const torch::Device& device, bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_dtype(device.type(), at::kBFloat16);
    at::autocast::set_autocast_enabled(device.type(), on);
#else
    if (device.is_cuda()) {
        at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
        at::autocast::set_enabled(on);
    } else {
        at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
        at::autocast::set_cpu_enabled(on);
    }
#endif
    if (!on) at::autocast::clear_cache();
}

// What becomes of node i, a batch_norm, whose input is x.
using BatchNorm = std::function<torch::Tensor(size_t i, const torch::Tensor& x)>;

StageOutputs forward(const Architecture& architecture, const TargetWeights& weights, const torch::Tensor& input,
                     const BatchNorm& batchNorm) {
    std::vector<torch::Tensor> outputs(architecture.nodes.size());
    const auto get = [&](int index) { return index == kImageInput ? input : outputs[size_t(index)]; };
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const torch::Tensor x = get(node.inputs[0]);
        switch (node.op) {
            case Op::Conv:
                outputs[i] = at::conv2d(x, weights.kernel[i], {}, node.stride, node.pad, 1, node.groups);
                break;
            case Op::BatchNorm: outputs[i] = batchNorm(i, x); break;
            case Op::Relu: outputs[i] = at::relu(x); break;
            case Op::Add: outputs[i] = x + get(node.inputs[1]); break;
            case Op::MaxPool: outputs[i] = at::max_pool2d(x, node.kernel, node.stride, node.pad); break;
            case Op::AvgPool: outputs[i] = at::avg_pool2d(x, node.kernel, node.stride); break;
            case Op::GlobalPool: outputs[i] = x.mean({2, 3}, true); break;
        }
    }
    StageOutputs stages;
    for (const int stage : architecture.stages) {
        const torch::Tensor map = outputs[size_t(stage)].to(torch::kFloat);
        stages.mean.push_back(map.mean({2, 3}));
        // A channel that is zero everywhere has no gradient of the root.
        stages.rms.push_back(torch::sqrt(map.square().mean({2, 3}) + kLeastSquare));
    }
    return stages;
}

}  // namespace

Named initialBase(const Architecture& architecture, torch::Generator& chance) {
    Named parameters;
    for (const Node& node : architecture.nodes) {
        const int64_t k = node.kernel;
        if (node.op == Op::Conv) {
            const double scale = std::sqrt(2.0 / double(node.out / node.groups * k * k));
            parameters["base." + node.name + ".weight"] =
                torch::randn({node.out, kernelInputs(architecture, node), k, k}, chance, torch::kFloat) * scale;
        } else if (node.op == Op::BatchNorm) {
            parameters["base." + node.name + ".gamma"] = torch::ones({node.shape.channels});
            parameters["base." + node.name + ".beta"] = torch::zeros({node.shape.channels});
        }
    }
    return parameters;
}

TargetWeights baseWeights(const Architecture& architecture, const Named& parameters) {
    TargetWeights weights;
    for (const Node& node : architecture.nodes) {
        const std::string stem = "base." + node.name;
        weights.kernel.push_back(node.op == Op::Conv ? parameters.at(stem + ".weight") : torch::Tensor());
        weights.gamma.push_back(node.op == Op::BatchNorm ? parameters.at(stem + ".gamma") : torch::Tensor());
        weights.beta.push_back(node.op == Op::BatchNorm ? parameters.at(stem + ".beta") : torch::Tensor());
    }
    return weights;
}

torch::Tensor normalised(const Architecture& architecture, const torch::Tensor& images) {
    const auto row = [&](const float* values) {
        return torch::tensor({values[0], values[1], values[2]}).view({1, 3, 1, 1}).to(images.device());
    };
    return ((images - row(architecture.mean)) / row(architecture.deviation))
        .contiguous(torch::MemoryFormat::ChannelsLast);
}

StageOutputs forwardTarget(const Architecture& architecture, const TargetWeights& weights, const torch::Tensor& input,
                           Moments* gathered) {
    return forward(architecture, weights, input, [&](size_t i, const torch::Tensor& x) {
        if (gathered != nullptr) {
            const std::string& name = architecture.nodes[i].name;
            const torch::Tensor wide = x.to(torch::kFloat);
            gathered->mean[name] = wide.mean({0, 2, 3});
            gathered->variance[name] = wide.var({0, 2, 3}, false);
        }
        return at::batch_norm(x, weights.gamma[i], weights.beta[i], {}, {}, true, 0.0, double(kBatchNormEpsilon),
                              false);
    });
}

StageOutputs forwardCalibrated(const Architecture& architecture, const TargetWeights& weights,
                               const torch::Tensor& input, const Moments& moments) {
    return forward(architecture, weights, input, [&](size_t i, const torch::Tensor& x) {
        const std::string& name = architecture.nodes[i].name;
        return at::batch_norm(x, weights.gamma[i], weights.beta[i], moments.mean.at(name), moments.variance.at(name),
                              false, 0.0, double(kBatchNormEpsilon), false);
    });
}

bool computesInHalf(const std::string& precision, const torch::Device& device) {
    if (precision != "auto") return precision == "bf16";
    if (!device.is_cpu()) return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();  // Ampere on
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16") != 0;
#else
    return false;
#endif
}

Autocast::Autocast(bool on, const torch::Device& device) : on_(on), device_(device) {
    if (on_) setAutocast(device_, true);
}

Autocast::~Autocast() {
    if (on_) setAutocast(device_, false);
}

}  // namespace hyperpred
}  // namespace cv
