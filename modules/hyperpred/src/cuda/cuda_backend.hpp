// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_BACKEND_HPP
#define HYPERPRED_CUDA_BACKEND_HPP

#include <memory>

#include "backend.hpp"

namespace cv {
namespace hyperpred {

// True where this build has CUDA and a device answers.
bool cudaBackendAvailable();
// Throws Failure::Unsupported where that is not so.
std::unique_ptr<Backend> createCudaBackend(std::shared_ptr<const HyperNetwork> hypernetwork);

}  // namespace hyperpred
}  // namespace cv

#endif
