// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_KERNELS_HPP
#define HYPERPRED_CUDA_DRIVER_KERNELS_HPP

#include <cuda_runtime_api.h>

namespace cv {
namespace hyperpred {
namespace cuda {

// Launches one kernel of kernel_list.hpp; `arguments` is the kernel itself.
using Launcher = cudaError_t (*)(const void* arguments, unsigned blocks, cudaStream_t stream);
Launcher kernelLauncher(int kernel);

// cudaSuccess where this build holds code for the current device.
cudaError_t probeKernels();

// How many clusters of UnrollCluster the current device runs at once; 0 where it has none, or this build no code for
// them.
cudaError_t countClusters(int* clusters);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
