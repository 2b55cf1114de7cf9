// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_WITH_CUDA

#include "cuda/cuda_backend.hpp"
#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {

bool cudaBackendBuilt() {
    return false;
}

std::string cudaUnavailableReason(int) {
    return "this build has no CUDA backend";
}

std::unique_ptr<Backend> createCudaBackend(std::shared_ptr<const HyperNetwork>, const CudaChoice&, int) {
    throw DeviceFailure(DeviceFailure::Kind::Unusable, cudaUnavailableReason(0));
}

}  // namespace hyperpred
}  // namespace cv

#endif
