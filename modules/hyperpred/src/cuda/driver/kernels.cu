// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/driver/kernels.hpp"

#include "cuda/kernel_list.hpp"

// Every kernel of the list as machine code. The only file that nvcc compiles.

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

template <class K>
__global__ void __launch_bounds__(K::kThreads) run(const K kernel) {
    __shared__ typename K::Shared shared;
#pragma unroll
    for (int phase = 0; phase < K::kPhases; ++phase) {
        if (phase > 0) __syncthreads();
        kernel.phase(phase, int64_t(blockIdx.x), int(threadIdx.x), shared);
    }
}

template <class K>
cudaError_t launchOne(const void* arguments, unsigned blocks, cudaStream_t stream) {
    run<K><<<blocks, K::kThreads, 0, stream>>>(*static_cast<const K*>(arguments));
    return cudaGetLastError();
}

template <class List>
struct DeviceTable;
template <class... Kernels>
struct DeviceTable<KernelList<Kernels...>> {
    static Launcher of(int kernel) {
        static const Launcher table[] = {&launchOne<Kernels>...};
        return table[kernel];
    }
};

}  // namespace

Launcher kernelLauncher(int kernel) {
    return DeviceTable<AllKernels>::of(kernel);
}

cudaError_t probeKernels() {
    cudaFuncAttributes attributes;
    return cudaFuncGetAttributes(&attributes, run<Widen>);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
