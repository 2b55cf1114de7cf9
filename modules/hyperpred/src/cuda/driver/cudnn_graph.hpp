// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_CUDNN_GRAPH_HPP
#define HYPERPRED_CUDA_DRIVER_CUDNN_GRAPH_HPP

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "cuda/device.hpp"
#include "cuda/driver/libraries.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// What plans are made for: the device behind a handle or, on a machine without a GPU, a finalised description of one
// (CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, cuDNN 9.8 on), with which plans can be made and not run.
struct CudnnTarget {
    cudnnHandle_t handle = nullptr;
    cudnnBackendDescriptor_t description = nullptr;
};

// Convolutions in half precision by cuDNN's graph API, alone or with what follows them (shift, addition, relu) in the
// same kernel. A plan a shape, chosen once by cuDNN's heuristics: the first that always gives the same bits, sums in
// float and transforms nothing (no Winograd, no FFT). Whatever cuDNN does not like is answered with false, and the
// caller takes another way.
class CudnnGraphs {
public:
    // `compile`: plans may be compiled when they are first met. That takes cuDNN seconds a plan, and without it there
    // are none that add a shift of floats.
    CudnnGraphs(const CudnnLibrary& library, const CudnnTarget& target, bool compile,
                std::function<void*(size_t)> workspace);
    ~CudnnGraphs();
    CudnnGraphs(const CudnnGraphs&) = delete;
    CudnnGraphs& operator=(const CudnnGraphs&) = delete;

    // False: nothing has been done.
    bool run(const ConvolutionTask& task, bool finish);
    // The plan alone: its engine's number (cuDNN's), or the reason why there is none.
    std::string plan(const ConvolutionTask& task, bool finish);
    int plans(bool followed) const;  // by something

private:
    struct Entry;
    // images, channels and edges of both maps, window, stride, pad, and what follows
    using Key = std::tuple<int64_t, int, int, int, int, int, int, int, int, int, bool, bool, bool>;
    Entry& entryFor(const ConvolutionTask& task, bool finish);

    const CudnnLibrary& library_;
    CudnnTarget target_;
    bool compile_;
    std::function<void*(size_t)> workspace_;
    std::map<Key, std::unique_ptr<Entry>> entries_;
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
