// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_WITH_CUDA

#include "cuda/cuda_backend.hpp"
#include "error.hpp"

namespace cv {
namespace hyperpred {

bool cudaBackendAvailable() {
    return false;
}

std::unique_ptr<Backend> createCudaBackend(std::shared_ptr<const HyperNetwork>) {
    fail(Failure::Unsupported, "this build has no CUDA backend; backend \"cpu\" gives the same predictions");
}

}  // namespace hyperpred
}  // namespace cv

#endif
