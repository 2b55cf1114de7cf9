// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_CUDNN_CONVOLUTION_HPP
#define HYPERPRED_CUDA_DRIVER_CUDNN_CONVOLUTION_HPP

#include <map>
#include <memory>
#include <tuple>

#include "cuda/device.hpp"
#include "cuda/driver/libraries.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// cuDNN's convolutions with a routine chosen once a shape. Only routines that give the same bits every time, and of
// those the ones that multiply matrices: Winograd's transforms lose digits in half precision.
class CudnnConvolutions {
public:
    CudnnConvolutions(const CudnnLibrary& library, cudaStream_t stream);
    ~CudnnConvolutions();
    CudnnConvolutions(const CudnnConvolutions&) = delete;
    CudnnConvolutions& operator=(const CudnnConvolutions&) = delete;

    // False where cuDNN has no such routine for the shape.
    bool run(const ConvolutionTask& task);

private:
    struct Entry;
    // half, images, channels and edges of both maps, window, stride, pad
    using Key = std::tuple<bool, int64_t, int, int, int, int, int, int, int, int, int>;
    Entry& entryFor(const ConvolutionTask& task);
    void describe(const ConvolutionTask& task, Entry& entry) const;
    void choose(const ConvolutionTask& task, Entry& entry) const;
    void growWorkspace(size_t bytes);

    const CudnnLibrary& library_;
    cudnnHandle_t handle_ = nullptr;
    std::map<Key, std::unique_ptr<Entry>> entries_;
    void* workspace_ = nullptr;
    size_t workspaceBytes_ = 0;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
