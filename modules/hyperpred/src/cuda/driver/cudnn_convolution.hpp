// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_CUDNN_CONVOLUTION_HPP
#define HYPERPRED_CUDA_DRIVER_CUDNN_CONVOLUTION_HPP

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "cuda/device.hpp"
#include "cuda/driver/cudnn_graph.hpp"
#include "cuda/driver/libraries.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// cuDNN's convolutions: a plan of its graph API (cudnn_graph.hpp) where there is one, else one of its older routines,
// chosen once a shape. Only routines that give the same bits every time, and of
// those the ones that multiply matrices: Winograd's transforms lose digits in half precision.
class CudnnConvolutions {
public:
    // `fused`: runAndFinish() works, after cuDNN has compiled a kernel a shape.
    CudnnConvolutions(const CudnnLibrary& library, cudaStream_t stream, bool fused);
    ~CudnnConvolutions();
    CudnnConvolutions(const CudnnConvolutions&) = delete;
    CudnnConvolutions& operator=(const CudnnConvolutions&) = delete;

    // False where cuDNN has no such routine for the shape.
    bool run(const ConvolutionTask& task);
    // With what follows, see Device::convolveAndFinish().
    bool runAndFinish(const ConvolutionTask& task);
    // How many shapes go which way.
    std::string routines() const;

private:
    struct Entry;
    // half, images, channels and edges of both maps, window, stride, pad
    using Key = std::tuple<bool, int64_t, int, int, int, int, int, int, int, int, int>;
    Entry& entryFor(const ConvolutionTask& task);
    void describe(const ConvolutionTask& task, Entry& entry) const;
    void choose(const ConvolutionTask& task, Entry& entry) const;
    bool runOlder(const ConvolutionTask& task);
    void* workspaceOf(size_t bytes);

    const CudnnLibrary& library_;
    bool fused_;
    cudnnHandle_t handle_ = nullptr;
    std::unique_ptr<CudnnGraphs> graphs_;
    std::map<Key, std::unique_ptr<Entry>> entries_;
    void* workspace_ = nullptr;
    size_t workspaceBytes_ = 0;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
