// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_CUDA_DEVICE_HPP
#define HYPERPRED_CUDA_DRIVER_CUDA_DEVICE_HPP

#include <memory>

#include "cuda/device.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Device `index` through cudart, with cuDNN and cuBLAS where they can be opened. One stream: everything is in order.
std::shared_ptr<Device> openCudaDevice(int index);

// Why the device cannot be used; empty where it can.
std::string whyNoCudaDevice(int index);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
