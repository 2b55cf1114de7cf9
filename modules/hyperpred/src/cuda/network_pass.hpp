// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_NETWORK_PASS_HPP
#define HYPERPRED_CUDA_NETWORK_PASS_HPP

#include <functional>
#include <vector>

#include "cuda/network.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Images through the network, N x H x W x C, in half or float as the network says. Convolutions always get `chunk`
// images, the last chunk filled up with others: a library may choose another routine for another number, and with it
// other last bits.
class NetworkPass {
public:
    NetworkPass(const Architecture& architecture, const NetworkLayout& layout, const Plan& plan, MemoryPool& pool,
                int chunk)
        : architecture_(architecture), layout_(layout), plan_(plan), pool_(pool), chunk_(chunk) {}

    // Breadth-first over all images: sets the statistics of every batch-norm. `out`: the stages' features; they are
    // returned where they were made, too.
    Memory calibrate(DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* out,
                     const std::function<void(double)>& progress) const;
    // Chunk by chunk with the statistics that are there.
    Memory features(const DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice,
                    float* out) const;

private:
    const Architecture& architecture_;
    const NetworkLayout& layout_;
    const Plan& plan_;
    MemoryPool& pool_;
    int chunk_;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
