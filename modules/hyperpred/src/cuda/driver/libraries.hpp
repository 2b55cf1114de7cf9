// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_LIBRARIES_HPP
#define HYPERPRED_CUDA_DRIVER_LIBRARIES_HPP

#include <cublas_v2.h>
#include <cudnn.h>

// cuDNN and cuBLAS, opened when a device is first used. Linked, they would keep every program that uses this module
// from starting on a machine without them, and cost 600 MB of mapping where no GPU is. cudart is linked statically.

namespace cv {
namespace hyperpred {
namespace cuda {

#define HYPERPRED_CUDNN_FUNCTIONS(X)          \
    X(cudnnGetErrorString)                    \
    X(cudnnGetVersion)                        \
    X(cudnnCreate)                            \
    X(cudnnDestroy)                           \
    X(cudnnSetStream)                         \
    X(cudnnCreateTensorDescriptor)            \
    X(cudnnSetTensor4dDescriptor)             \
    X(cudnnDestroyTensorDescriptor)           \
    X(cudnnCreateFilterDescriptor)            \
    X(cudnnSetFilter4dDescriptor)             \
    X(cudnnDestroyFilterDescriptor)           \
    X(cudnnCreateConvolutionDescriptor)       \
    X(cudnnSetConvolution2dDescriptor)        \
    X(cudnnSetConvolutionMathType)            \
    X(cudnnDestroyConvolutionDescriptor)      \
    X(cudnnGetConvolutionForwardAlgorithm_v7) \
    X(cudnnConvolutionForward)                \
    X(cudnnBackendCreateDescriptor)           \
    X(cudnnBackendDestroyDescriptor)          \
    X(cudnnBackendSetAttribute)               \
    X(cudnnBackendGetAttribute)               \
    X(cudnnBackendFinalize)                   \
    X(cudnnBackendExecute)

#define HYPERPRED_CUBLAS_FUNCTIONS(X) \
    X(cublasGetStatusString)          \
    X(cublasCreate_v2)                \
    X(cublasDestroy_v2)               \
    X(cublasSetStream_v2)             \
    X(cublasDsyrk_v2)

#define HYPERPRED_MEMBER(name) decltype(&::name) name = nullptr;
struct CudnnLibrary {
    HYPERPRED_CUDNN_FUNCTIONS(HYPERPRED_MEMBER)
};
struct CublasLibrary {
    HYPERPRED_CUBLAS_FUNCTIONS(HYPERPRED_MEMBER)
};
#undef HYPERPRED_MEMBER

// Null where the library is not there or lacks a function: the backend's own kernels then do the work.
const CudnnLibrary* cudnnLibrary();
const CublasLibrary* cublasLibrary();

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
