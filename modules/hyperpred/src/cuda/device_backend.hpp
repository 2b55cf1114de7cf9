// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DEVICE_BACKEND_HPP
#define HYPERPRED_CUDA_DEVICE_BACKEND_HPP

#include <memory>

#include "backend.hpp"
#include "cuda/device.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// The six operations on a device. `half`: activations of the network in half precision, else everything in float.
// Throws DeviceFailure; out of memory only after the chunk has shrunk to one image.
std::unique_ptr<Backend> createDeviceBackend(std::shared_ptr<const HyperNetwork> hypernetwork,
                                             std::shared_ptr<Device> device, bool half);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
