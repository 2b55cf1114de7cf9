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
// seen by the others after it. Without `.aligned`, which would demand that the compiler has brought the threads of a
// warp together again after the phase's loops.
__device__ __forceinline__ void waitForCluster() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive;" ::: "memory");
    asm volatile("barrier.cluster.wait;" ::: "memory");
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

// What a launch needs to know of a kernel.
struct Code {
    const void* function;
    unsigned threads;
    cudaError_t (*launchCluster)(const void* arguments, cudaStream_t stream);  // null of an ordinary kernel
};

template <class K>
Code codeOf() {
    if constexpr (IsCluster<K>::value) {
        return {reinterpret_cast<const void*>(&runCluster<K>), K::kThreads,
                [](const void* arguments, cudaStream_t stream) {
                    const ClusterLaunch<K> launch(stream);
                    return cudaLaunchKernelEx(&launch.configuration, runCluster<K>, *static_cast<const K*>(arguments));
                }};
    } else {
        return {reinterpret_cast<const void*>(&run<K>), K::kThreads, nullptr};
    }
}

template <class List>
struct DeviceTable;
template <class... Kernels>
struct DeviceTable<KernelList<Kernels...>> {
    static const Code& of(int kernel) {
        static const Code table[] = {codeOf<Kernels>()...};
        return table[kernel];
    }
};

}  // namespace

cudaError_t launchKernel(int kernel, const void* arguments, unsigned blocks, cudaStream_t stream) {
    const Code& code = DeviceTable<AllKernels>::of(kernel);
    if (code.launchCluster) return code.launchCluster(arguments, stream);
    void* parameters[] = {const_cast<void*>(arguments)};
    return cudaLaunchKernel(code.function, dim3(blocks), dim3(code.threads), parameters, 0, stream);
}

cudaError_t addKernelNode(int kernel, const void* arguments, unsigned blocks, cudaGraph_t graph,
                          cudaGraphNode_t* last) {
    const Code& code = DeviceTable<AllKernels>::of(kernel);
    if (code.launchCluster) return cudaErrorNotSupported;
    void* parameters[] = {const_cast<void*>(arguments)};
    cudaKernelNodeParams node{};
    node.func = const_cast<void*>(code.function);
    node.gridDim = dim3(blocks);
    node.blockDim = dim3(code.threads);
    node.kernelParams = parameters;
    cudaGraphNode_t added = nullptr;
    const cudaError_t status = cudaGraphAddKernelNode(&added, graph, last, *last ? 1 : 0, &node);
    if (status == cudaSuccess) *last = added;
    return status;
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
