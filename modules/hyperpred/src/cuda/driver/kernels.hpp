// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_KERNELS_HPP
#define HYPERPRED_CUDA_DRIVER_KERNELS_HPP

#include <cuda_runtime_api.h>

namespace cv {
namespace hyperpred {
namespace cuda {

// Launches one kernel of kernel_list.hpp; `arguments` is the kernel itself.
cudaError_t launchKernel(int kernel, const void* arguments, unsigned blocks, cudaStream_t stream);

// Adds it to a graph in place of launching it, behind the node *last (null: nothing is before it), which it becomes.
// Not of cluster kernels.
cudaError_t addKernelNode(int kernel, const void* arguments, unsigned blocks, cudaGraph_t graph, cudaGraphNode_t* last);

// cudaSuccess where this build holds code for the current device.
cudaError_t probeKernels();

// How many clusters of UnrollCluster the current device runs at once; 0 where it has none, or this build no code for
// them.
cudaError_t countClusters(int* clusters);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
