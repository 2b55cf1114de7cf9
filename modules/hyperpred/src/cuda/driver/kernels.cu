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

// PTX ISA, "barrier.cluster": arrive releases and wait acquires unless said otherwise, so what a block wrote before is
// seen by the others after it. `.aligned`: all threads of a warp come here together, as `phases()` is the same for all.
__device__ __forceinline__ void waitForCluster() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
    asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
#else
    __trap();  // countClusters() is 0 there
#endif
}

template <class K>
__global__ void __launch_bounds__(K::kThreads) runCluster(const K kernel) {
    __shared__ typename K::Shared shared;
    const int phases = kernel.phases();
    for (int phase = 0; phase < phases; ++phase) {
        kernel.phase(phase, int64_t(blockIdx.x), int(threadIdx.x), shared);
        if (kernel.waitsForAll(phase)) {
            waitForCluster();
        } else {
            __syncthreads();
        }
    }
}

// A grid of one cluster. The attribute must outlive the configuration.
template <class K>
struct ClusterLaunch {
    explicit ClusterLaunch(cudaStream_t stream) {
        attribute.id = cudaLaunchAttributeClusterDimension;
        attribute.val.clusterDim.x = K::kCluster;
        attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
        configuration.gridDim = dim3(K::kCluster);
        configuration.blockDim = dim3(K::kThreads);
        configuration.stream = stream;
        configuration.attrs = &attribute;
        configuration.numAttrs = 1;
    }
    ClusterLaunch(const ClusterLaunch&) = delete;
    ClusterLaunch& operator=(const ClusterLaunch&) = delete;
    cudaLaunchAttribute attribute{};
    cudaLaunchConfig_t configuration{};
};

template <class K>
cudaError_t launchOne(const void* arguments, unsigned blocks, cudaStream_t stream) {
    const K& kernel = *static_cast<const K*>(arguments);
    if constexpr (IsCluster<K>::value) {
        const ClusterLaunch<K> launch(stream);
        return cudaLaunchKernelEx(&launch.configuration, runCluster<K>, kernel);
    } else {
        run<K><<<blocks, K::kThreads, 0, stream>>>(kernel);
        return cudaGetLastError();
    }
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
    return cudaFuncGetAttributes(&attributes, run<GatherRows>);
}

cudaError_t countClusters(int* clusters) {
    *clusters = 0;
    // Code that the driver made from PTX for an older device has no cluster's barrier in it.
    cudaFuncAttributes attributes;
    const cudaError_t code = cudaFuncGetAttributes(&attributes, runCluster<UnrollCluster>);
    if (code != cudaSuccess || attributes.ptxVersion < 90 || attributes.binaryVersion < 90) return code;
    const ClusterLaunch<UnrollCluster> launch(nullptr);
    return cudaOccupancyMaxActiveClusters(clusters, runCluster<UnrollCluster>, &launch.configuration);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
