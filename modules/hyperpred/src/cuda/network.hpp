// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_NETWORK_HPP
#define HYPERPRED_CUDA_NETWORK_HPP

#include <cstdint>
#include <vector>

#include "backend.hpp"
#include "cuda/memory.hpp"
#include "cuda/plan.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Where a network's numbers lie: all kernels end to end (each O x I x k x k, or C x 1 x k x k), and all batch-norms'
// channels end to end, both in the order of the nodes.
struct NetworkLayout {
    std::vector<int64_t> kernel;  // of each node: its first weight, or -1
    std::vector<int64_t> norm;    // of each node: its first channel, or -1
    int64_t kernels = 0, norms = 0;
};
NetworkLayout layOut(const Architecture& architecture);

// A step's weights as an ordinary pass wants them.
struct StepWeights {
    Memory kernel;  // O x k x k x I (k x k x C of a depthwise one) with the batch-norm's scale folded in, float or
                    // Half
    Memory scale, shift;  // of the batch-norm, padded; scale only where no convolution took it in
};

class DeviceNetwork : public BackendNetwork {
public:
    Memory kernels, gamma, beta;  // as the layout says
    Memory mean, variance;
    bool half = false;  // activations in half precision; not where they would overflow
    bool calibrated = false;
    mutable bool folded = false;  // the steps below are made
    mutable std::vector<StepWeights> steps;
};

// A network with room for everything and nothing in it.
std::unique_ptr<DeviceNetwork> emptyNetwork(const NetworkLayout& layout, MemoryPool& pool);
void writeWeights(const Architecture& architecture, const NetworkLayout& layout, const NetworkWeights& weights,
                  MemoryPool& pool, DeviceNetwork& network);
// `kernels` false: mean and variance alone.
NetworkWeights readWeights(const Architecture& architecture, const NetworkLayout& layout, MemoryPool& pool,
                           const DeviceNetwork& network, bool kernels);

// Packs the convolution of `step`; `scale` may be null.
Memory packKernel(const Architecture& architecture, const NetworkLayout& layout, const Step& step,
                  const DeviceNetwork& network, const float* scale, MemoryPool& pool);
void foldNetwork(const Architecture& architecture, const NetworkLayout& layout, const Plan& plan, MemoryPool& pool,
                 const DeviceNetwork& network);
// scale and shift of the step's batch-norm, from its statistics.
void affineOfStep(const Architecture& architecture, const NetworkLayout& layout, const Step& step,
                  const DeviceNetwork& network, MemoryPool& pool, StepWeights& weights);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
