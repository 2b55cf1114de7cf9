// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/cuda_backend.hpp"

#include "cpu/cpu_backend.hpp"
#include "cuda/device_backend.hpp"
#include "cuda/driver/cuda_device.hpp"
#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {

bool cudaBackendBuilt() {
    return true;
}

std::string cudaUnavailableReason(int device) {
    return cuda::whyNoCudaDevice(device);
}

std::unique_ptr<Backend> createCudaBackend(std::shared_ptr<const HyperNetwork> hypernetwork, const CudaChoice& choice,
                                           int threads) {
    const std::string reason = cudaUnavailableReason(choice.device);
    if (!reason.empty()) throw DeviceFailure(DeviceFailure::Kind::Unusable, reason);
    // The exact one unrolls by the chain of launches: what devices without clusters do runs on those with them, too.
    auto primary = cuda::createDeviceBackend(
        hypernetwork, cuda::openCudaDevice(choice.device, choice.fused, !choice.exact), !choice.exact);
    return createFallbackBackend(std::move(primary),
                                 [hypernetwork, threads] { return createCpuBackend(hypernetwork, threads); });
}

}  // namespace hyperpred
}  // namespace cv

#endif
