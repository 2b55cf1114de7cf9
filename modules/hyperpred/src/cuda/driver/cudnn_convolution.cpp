// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/cudnn_convolution.hpp"

#include "cuda/driver/checked.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

const size_t kLargestWorkspace = size_t(256) << 20;

// In the order of preference; -1: not wanted.
int rank(cudnnConvolutionFwdAlgo_t routine) {
    switch (routine) {
        case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM: return 0;
        case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM: return 1;
        case CUDNN_CONVOLUTION_FWD_ALGO_GEMM: return 2;
        default: return -1;
    }
}

// With or without one of cuDNN 9's reasons.
bool notSupported(cudnnStatus_t status) {
    return CUDNN_STATUS_CATEGORY(int(status)) == CUDNN_STATUS_NOT_SUPPORTED;
}

}  // namespace

struct CudnnConvolutions::Entry {
    explicit Entry(const CudnnLibrary& from) : library(from) {
        HYPERPRED_CHECK(library.cudnnCreateTensorDescriptor(&in));
        HYPERPRED_CHECK(library.cudnnCreateTensorDescriptor(&out));
        HYPERPRED_CHECK(library.cudnnCreateFilterDescriptor(&kernel));
        HYPERPRED_CHECK(library.cudnnCreateConvolutionDescriptor(&convolution));
    }
    ~Entry() {
        if (in) library.cudnnDestroyTensorDescriptor(in);
        if (out) library.cudnnDestroyTensorDescriptor(out);
        if (kernel) library.cudnnDestroyFilterDescriptor(kernel);
        if (convolution) library.cudnnDestroyConvolutionDescriptor(convolution);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    const CudnnLibrary& library;
    cudnnTensorDescriptor_t in = nullptr, out = nullptr;
    cudnnFilterDescriptor_t kernel = nullptr;
    cudnnConvolutionDescriptor_t convolution = nullptr;
    bool supported = false;
    cudnnConvolutionFwdAlgo_t routine = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    size_t workspace = 0;  // bytes
};

CudnnConvolutions::CudnnConvolutions(const CudnnLibrary& library, cudaStream_t stream, bool fused)
    : library_(library), fused_(fused) {
    HYPERPRED_CHECK(library_.cudnnCreate(&handle_));
    HYPERPRED_CHECK(library_.cudnnSetStream(handle_, stream));
    CudnnTarget target;
    target.handle = handle_;
    graphs_ =
        std::make_unique<CudnnGraphs>(library_, target, fused, [this](size_t bytes) { return workspaceOf(bytes); });
}

CudnnConvolutions::~CudnnConvolutions() {
    graphs_.reset();
    entries_.clear();
    if (workspace_) cudaFree(workspace_);
    if (handle_) library_.cudnnDestroy(handle_);
}

bool CudnnConvolutions::run(const ConvolutionTask& task) {
    return graphs_->run(task, false) || runOlder(task);
}

bool CudnnConvolutions::runAndFinish(const ConvolutionTask& task) {
    return fused_ && graphs_->run(task, true);
}

std::string CudnnConvolutions::routines() const {
    int older = 0;
    for (const auto& entry : entries_) older += entry.second->supported;
    return "cuDNN's graphs " + std::to_string(graphs_->plans(false)) + ", with what follows " +
           std::to_string(graphs_->plans(true)) + ", its older routines " + std::to_string(older);
}

bool CudnnConvolutions::runOlder(const ConvolutionTask& task) {
    Entry& entry = entryFor(task);
    if (!entry.supported) return false;
    void* workspace = entry.workspace > 0 ? workspaceOf(entry.workspace) : nullptr;
    const float one = 1.f, zero = 0.f;
    const cudnnStatus_t status =
        library_.cudnnConvolutionForward(handle_, &one, entry.in, task.in, entry.kernel, task.kernel, entry.convolution,
                                         entry.routine, workspace, entry.workspace, &zero, entry.out, task.out);
    // The heuristics may offer what the routine then refuses; it says so before it has done anything.
    if (notSupported(status)) {
        entry.supported = false;
        return false;
    }
    check(status, "cudnnConvolutionForward", __FILE__, __LINE__);
    return true;
}

CudnnConvolutions::Entry& CudnnConvolutions::entryFor(const ConvolutionTask& task) {
    const Key key(task.half, task.images, task.from.channels, task.from.height, task.from.width, task.to.channels,
                  task.to.height, task.to.width, task.edge, task.stride, task.pad);
    std::unique_ptr<Entry>& entry = entries_[key];
    if (!entry) {
        auto made = std::make_unique<Entry>(library_);
        describe(task, *made);
        choose(task, *made);
        entry = std::move(made);
    }
    return *entry;
}

void CudnnConvolutions::describe(const ConvolutionTask& task, Entry& entry) const {
    const cudnnDataType_t type = task.half ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
    const int images = int(task.images);
    HYPERPRED_CHECK(library_.cudnnSetTensor4dDescriptor(entry.in, CUDNN_TENSOR_NHWC, type, images, task.from.channels,
                                                        task.from.height, task.from.width));
    HYPERPRED_CHECK(library_.cudnnSetTensor4dDescriptor(entry.out, CUDNN_TENSOR_NHWC, type, images, task.to.channels,
                                                        task.to.height, task.to.width));
    HYPERPRED_CHECK(library_.cudnnSetFilter4dDescriptor(entry.kernel, type, CUDNN_TENSOR_NHWC, task.to.channels,
                                                        task.from.channels, task.edge, task.edge));
    HYPERPRED_CHECK(library_.cudnnSetConvolution2dDescriptor(entry.convolution, task.pad, task.pad, task.stride,
                                                             task.stride, 1, 1, CUDNN_CROSS_CORRELATION,
                                                             CUDNN_DATA_FLOAT));
    // CUDNN_FMA_MATH keeps TF32 out of the exact mode.
    HYPERPRED_CHECK(
        library_.cudnnSetConvolutionMathType(entry.convolution, task.half ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH));
}

void CudnnConvolutions::choose(const ConvolutionTask& task, Entry& entry) const {
    cudnnConvolutionFwdAlgoPerf_t offers[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    int count = 0;
    const cudnnStatus_t status =
        library_.cudnnGetConvolutionForwardAlgorithm_v7(handle_, entry.in, entry.kernel, entry.convolution, entry.out,
                                                        CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, offers);
    if (notSupported(status)) return;
    check(status, "cudnnGetConvolutionForwardAlgorithm_v7", __FILE__, __LINE__);
    const cudnnConvolutionFwdAlgoPerf_t* best = nullptr;
    for (int i = 0; i < count; ++i) {
        const cudnnConvolutionFwdAlgoPerf_t& offer = offers[i];
        const bool exact = offer.mathType == CUDNN_FMA_MATH || offer.mathType == CUDNN_DEFAULT_MATH;
        if (offer.status != CUDNN_STATUS_SUCCESS || offer.determinism != CUDNN_DETERMINISTIC ||
            offer.memory > kLargestWorkspace || rank(offer.algo) < 0 || (!task.half && !exact)) {
            continue;
        }
        if (!best || rank(offer.algo) < rank(best->algo)) best = &offer;
    }
    if (!best) return;
    // The exact mode stays with CUDNN_FMA_MATH: CUDNN_DEFAULT_MATH would let TF32 in again.
    if (task.half) HYPERPRED_CHECK(library_.cudnnSetConvolutionMathType(entry.convolution, best->mathType));
    entry.routine = best->algo;
    entry.workspace = best->memory;
    entry.supported = true;
}

void* CudnnConvolutions::workspaceOf(size_t bytes) {
    if (bytes <= workspaceBytes_) return workspace_;
    if (workspace_) HYPERPRED_CHECK(cudaFree(workspace_));  // waits for its users
    workspace_ = nullptr;
    workspaceBytes_ = 0;
    HYPERPRED_CHECK(cudaMalloc(&workspace_, bytes));
    workspaceBytes_ = bytes;
    return workspace_;
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
