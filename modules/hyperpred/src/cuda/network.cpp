// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/network.hpp"

#include <algorithm>

#include "error.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

std::vector<float> fetch(Device& device, const Memory& memory, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    if (count > 0) device.download(values.data(), memory.floats(), values.size() * sizeof(float));
    return values;
}

void send(Device& device, const Memory& memory, const std::vector<float>& values) {
    if (!values.empty()) device.upload(memory.floats(), values.data(), values.size() * sizeof(float));
}

std::vector<float> part(const std::vector<float>& all, int64_t first, int count) {
    return std::vector<float>(all.begin() + first, all.begin() + first + count);
}

template <class T>
Memory pack(const Node& node, int inputs, const float* kernel, const float* scale, MemoryPool& pool) {
    PackKernel<T> task{};
    task.kernel = kernel;
    task.scale = scale;
    task.outputs = node.out;
    task.inputs = inputs;
    task.window = node.kernel * node.kernel;
    Memory packed = pool.takeOf<T>(size_t(task.count()));
    task.out = packed.template as<T>();
    launch(pool.device(), task);
    return packed;
}

template <class T>
Memory packDepthwise(const Node& node, const float* kernel, const float* scale, MemoryPool& pool) {
    PackDepthwise<T> task{};
    task.kernel = kernel;
    task.scale = scale;
    task.channels = node.out;
    task.window = node.kernel * node.kernel;
    Memory packed = pool.takeOf<T>(size_t(task.count()));
    task.out = packed.template as<T>();
    launch(pool.device(), task);
    return packed;
}

}  // namespace

NetworkLayout layOut(const Architecture& architecture) {
    NetworkLayout layout;
    for (const Node& node : architecture.nodes) {
        layout.kernel.push_back(node.op == Op::Conv ? layout.kernels : -1);
        layout.norm.push_back(node.op == Op::BatchNorm ? layout.norms : -1);
        if (node.op == Op::Conv) layout.kernels += nodeCost(architecture, node).parameters;
        if (node.op == Op::BatchNorm) layout.norms += node.shape.channels;
    }
    return layout;
}

std::unique_ptr<DeviceNetwork> emptyNetwork(const NetworkLayout& layout, MemoryPool& pool) {
    auto network = std::make_unique<DeviceNetwork>();
    network->kernels = pool.takeOf<float>(size_t(layout.kernels));
    for (Memory* memory : {&network->gamma, &network->beta, &network->mean, &network->variance}) {
        *memory = pool.takeOf<float>(size_t(layout.norms));
    }
    return network;
}

void writeWeights(const Architecture& architecture, const NetworkLayout& layout, const NetworkWeights& weights,
                  MemoryPool& pool, DeviceNetwork& network) {
    std::vector<float> kernels, gamma, beta, mean, variance;
    const auto append = [](std::vector<float>& all, const std::vector<float>& some) {
        all.insert(all.end(), some.begin(), some.end());
    };
    for (const NodeWeights& node : weights) {
        append(kernels, node.kernel.values);
        append(gamma, node.gamma);
        append(beta, node.beta);
        append(mean, node.mean);
        append(variance, node.variance);
    }
    const size_t norms = size_t(layout.norms);
    if (weights.size() != architecture.nodes.size() || kernels.size() != size_t(layout.kernels) ||
        gamma.size() != norms || beta.size() != norms) {
        fail(Failure::Internal, "weights of another architecture than \"" + architecture.name + "\" reached a device");
    }
    send(pool.device(), network.kernels, kernels);
    send(pool.device(), network.gamma, gamma);
    send(pool.device(), network.beta, beta);
    network.calibrated = mean.size() == norms && variance.size() == norms;
    if (!network.calibrated) return;
    send(pool.device(), network.mean, mean);
    send(pool.device(), network.variance, variance);
}

NetworkWeights readWeights(const Architecture& architecture, const NetworkLayout& layout, MemoryPool& pool,
                           const DeviceNetwork& network, bool kernels) {
    Device& device = pool.device();
    std::vector<float> all, gamma, beta, mean, variance;
    if (kernels) {
        all = fetch(device, network.kernels, layout.kernels);
        gamma = fetch(device, network.gamma, layout.norms);
        beta = fetch(device, network.beta, layout.norms);
    }
    if (network.calibrated) {
        mean = fetch(device, network.mean, layout.norms);
        variance = fetch(device, network.variance, layout.norms);
    }
    NetworkWeights weights(architecture.nodes.size());
    for (size_t i = 0; i < weights.size(); ++i) {
        const Node& node = architecture.nodes[i];
        if (node.op == Op::Conv && kernels) {
            weights[i].kernel.shape = {node.out, kernelInputs(architecture, node), node.kernel, node.kernel};
            weights[i].kernel.values = part(all, layout.kernel[i], int(nodeCost(architecture, node).parameters));
        }
        if (node.op != Op::BatchNorm) continue;
        const int channels = node.shape.channels;
        if (kernels) {
            weights[i].gamma = part(gamma, layout.norm[i], channels);
            weights[i].beta = part(beta, layout.norm[i], channels);
        }
        if (network.calibrated) {
            weights[i].mean = part(mean, layout.norm[i], channels);
            weights[i].variance = part(variance, layout.norm[i], channels);
        }
    }
    return weights;
}

Memory packKernel(const Architecture& architecture, const NetworkLayout& layout, const Step& step,
                  const DeviceNetwork& network, const float* scale, MemoryPool& pool) {
    const Node& node = architecture.nodes[size_t(step.node)];
    const float* kernel = network.kernels.floats() + layout.kernel[size_t(step.node)];
    if (isDepthwise(node)) {
        return network.half ? packDepthwise<Half>(node, kernel, scale, pool)
                            : packDepthwise<float>(node, kernel, scale, pool);
    }
    const int inputs = kernelInputs(architecture, node);
    return network.half ? pack<Half>(node, inputs, kernel, scale, pool)
                        : pack<float>(node, inputs, kernel, scale, pool);
}

void affineOfStep(const Architecture& architecture, const NetworkLayout& layout, const Step& step,
                  const DeviceNetwork& network, MemoryPool& pool, StepWeights& weights) {
    const int64_t first = layout.norm[size_t(step.batchNorm)];
    AffineOfNorm task{};
    task.gamma = network.gamma.floats() + first;
    task.beta = network.beta.floats() + first;
    task.mean = network.mean.floats() + first;
    task.variance = network.variance.floats() + first;
    task.channels = architecture.nodes[size_t(step.batchNorm)].shape.channels;
    task.padded = step.to.channels;
    task.epsilon = kBatchNormEpsilon;
    weights.scale = pool.takeOf<float>(size_t(task.padded));
    weights.shift = pool.takeOf<float>(size_t(task.padded));
    task.scale = weights.scale.floats();
    task.shift = weights.shift.floats();
    launch(pool.device(), task);
}

void foldNetwork(const Architecture& architecture, const NetworkLayout& layout, const Plan& plan, MemoryPool& pool,
                 const DeviceNetwork& network) {
    if (network.folded) return;
    std::vector<StepWeights> steps;
    for (const Step& step : plan.steps) {
        StepWeights weights;
        if (step.batchNorm >= 0) affineOfStep(architecture, layout, step, network, pool, weights);
        if (step.op == Op::Conv) {
            const float* scale = step.batchNorm >= 0 ? weights.scale.floats() : nullptr;
            weights.kernel = packKernel(architecture, layout, step, network, scale, pool);
            weights.scale = Memory();
        }
        steps.push_back(std::move(weights));
    }
    network.steps = std::move(steps);
    network.folded = true;
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
