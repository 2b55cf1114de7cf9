// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_BACKEND_HPP
#define HYPERPRED_CUDA_BACKEND_HPP

#include <memory>
#include <string>

#include "backend.hpp"

namespace cv {
namespace hyperpred {

// Which device and how: "cuda", "cuda:1", "cuda:exact", "cuda:1:exact", "cuda:fused", "cuda:1:fused".
struct CudaChoice {
    int device = 0;
    bool exact = false;  // the network in float without TF32, else in half precision with sums in float; no clusters
    bool fused = false;  // in half precision, convolutions with what follows them in one kernel that cuDNN compiles
};
bool isCudaName(const std::string& name);
CudaChoice parseCudaName(const std::string& name);  // throws Failure::Unsupported

// True where this build contains the CUDA backend, whatever the machine.
bool cudaBackendBuilt();
// Why the device cannot be used, as half a sentence; empty where it can.
std::string cudaUnavailableReason(int device);

// Falls back to the CPU backend with `threads` threads when the device fails later. Throws DeviceFailure where the
// device cannot be used now.
std::unique_ptr<Backend> createCudaBackend(std::shared_ptr<const HyperNetwork> hypernetwork, const CudaChoice& choice,
                                           int threads);

}  // namespace hyperpred
}  // namespace cv

#endif
