// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_CUDA_DEVICE_HPP
#define HYPERPRED_CUDA_DRIVER_CUDA_DEVICE_HPP

#include <memory>

#include "cuda/device.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Device `index` through cudart, with cuDNN and cuBLAS where they can be opened. One stream, so everything is in order;
// beside it one for what is uploaded ahead. `fused`: cuDNN compiles convolutions together with what follows them.
// `clusters`: cluster kernels are used where the device has them.
std::shared_ptr<Device> openCudaDevice(int index, bool fused, bool clusters);

// Why the device cannot be used; empty where it can.
std::string whyNoCudaDevice(int index);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
