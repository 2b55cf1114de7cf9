// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_GENERATE_HPP
#define HYPERPRED_CUDA_GENERATE_HPP

#include <vector>

#include "cuda/network.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Codes -> weights. The generators of all layers lie in one arena, so each stage is one launch over all of them.
class Generate {
public:
    Generate(const HyperNetwork& hyper, const NetworkLayout& layout, MemoryPool& pool);

    // Empty codes give the base weights.
    std::unique_ptr<DeviceNetwork> operator()(const std::vector<float>& codes) const;

private:
    void placeBase(const HyperNetwork& hyper);
    void placeFirstRows(const HyperNetwork& hyper);
    void placeSecondRows(const HyperNetwork& hyper);
    void placeTiles(const HyperNetwork& hyper);
    void launchResidual(const Memory& codes, DeviceNetwork& network) const;
    void launchPure(const Memory& codes, DeviceNetwork& network) const;
    Memory firstProducts(const Memory& codes) const;
    void launchNorms(const Memory& gains, DeviceNetwork& network) const;
    GeneratorTable table() const;

    const NetworkLayout& layout_;
    MemoryPool& pool_;
    bool pure_;
    int width_, rank_, bottleneck_, tile_, tileHidden_;
    std::vector<GeneratorLayer> layers_;
    Memory table_;  // layers_
    Memory baseKernels_, baseGamma_, baseBeta_;
    Memory gain_, shift_;  // of each batch-norm channel: its g and b among the first products
    // The first products: g, b, a and, residual, t of each layer; rows x d.
    Memory firstWeight_, firstBias_, firstGroup_;
    int64_t firstRows_ = 0;
    std::vector<int64_t> bottleneckAt_;  // of each layer: its t among the first products
    // Residual, the second products: u and v of each layer; rows x bottleneck.
    Memory secondWeight_, secondBias_, secondSource_;
    int64_t secondRows_ = 0;
    // Pure: embeddings and tile generators.
    Memory tiles_;
    int64_t tileNumbers_ = 0;  // of all layers' hidden tiles
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
