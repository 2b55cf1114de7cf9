// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_NETWORK_HPP
#define HYPERPRED_CPU_NETWORK_HPP

#include <functional>
#include <mutex>
#include <vector>

#include "backend.hpp"
#include "cpu/network_pass.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

class CpuNetwork : public BackendNetwork {
public:
    NetworkWeights weights;

    // Packed with the batch-norms folded in; made at the first call after calibration.
    const std::vector<StepParameters>& folded(const Plan& plan, const Workers& workers) const;
    void forgetFolded() { folded_.clear(); }

private:
    mutable std::mutex lock_;
    mutable std::vector<StepParameters> folded_;
};

// The statistics of every batch_norm from all of `images`, breadth-first, and the images' features.
void calibrateNetwork(const Architecture& architecture, const Plan& plan, const Workers& workers, CpuNetwork& network,
                      const ImageBatch& images, const FeatureChoice& choice, float* features,
                      const std::function<void(double)>& progress);

// The features of all images, chunk by chunk.
void forwardNetwork(const Architecture& architecture, const Plan& plan, const Workers& workers, BufferPool& pool,
                    const CpuNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* features);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
