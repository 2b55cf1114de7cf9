// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/cuda_device.hpp"

#include <set>
#include <tuple>

#include "cuda/driver/checked.hpp"
#include "cuda/driver/cudnn_convolution.hpp"
#include "cuda/driver/kernels.hpp"
#include "cuda/driver/libraries.hpp"
#include "cuda/driver/staging.hpp"
#include "cuda/plan.hpp"
#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

class EventMark : public Mark {
public:
    const Event& event() const { return event_; }

private:
    Event event_;
};

class Graph : public Recording {
public:
    explicit Graph(cudaGraph_t graph) { HYPERPRED_CHECK(cudaGraphInstantiate(&executable_, graph, 0)); }
    ~Graph() override {
        if (executable_) cudaGraphExecDestroy(executable_);
    }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    cudaGraphExec_t executable() const { return executable_; }

private:
    cudaGraphExec_t executable_ = nullptr;
};

class Cublas {
public:
    Cublas(const CublasLibrary& library, cudaStream_t stream) : library_(library) {
        HYPERPRED_CHECK(library_.cublasCreate_v2(&handle_));
        HYPERPRED_CHECK(library_.cublasSetStream_v2(handle_, stream));
    }
    ~Cublas() {
        if (handle_) library_.cublasDestroy_v2(handle_);
    }
    Cublas(const Cublas&) = delete;
    Cublas& operator=(const Cublas&) = delete;

    // Row-major n x p is column-major p x n: A A^T there is X^T X, and its lower triangle is our upper one.
    void addSquare(const double* rows, int n, int p, double* out) {
        const double one = 1;
        HYPERPRED_CHECK(
            library_.cublasDsyrk_v2(handle_, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, p, n, &one, rows, p, &one, out, p));
    }

private:
    const CublasLibrary& library_;
    cublasHandle_t handle_ = nullptr;
};

std::string dotted(int version, int major, int minor) {
    return std::to_string(version / major) + "." + std::to_string(version % major / minor);
}

class CudaDevice : public Device {
public:
    CudaDevice(int index, bool fused, bool clusters) : index_(index), fused_(fused), clusters_(clusters) {
        enter();
        stream_ = std::make_unique<Stream>();
        copies_ = std::make_unique<Stream>();
        arrived_ = std::make_unique<Event>();
        staging_ = std::make_unique<Staging>();
        cudaDeviceProp properties;
        HYPERPRED_CHECK(cudaGetDeviceProperties(&properties, index));
        chunkBytes_ = chunkBudget(properties.totalGlobalMem);
        name_ = properties.name;
        if (index > 0) name_ += " (device " + std::to_string(index) + ")";
        name_ += ", CUDA " + dotted(CUDART_VERSION, 1000, 10);
        name_ += cudnnLibrary() ? ", cuDNN " + dotted(int(cudnnLibrary()->cudnnGetVersion()), 10000, 100)
                                : std::string(", without cuDNN");
        if (!cublasLibrary()) name_ += ", without cuBLAS";
    }

    ~CudaDevice() override { cudaSetDevice(index_); }

    std::string name() const override { return name_; }
    size_t chunkBytes() const override { return chunkBytes_; }
    std::string routines() const override {
        return "convolutions by shape: " + (convolutions_ ? convolutions_->routines() + ", " : "") + "the own kernel " +
               std::to_string(own_.size());
    }

    void enter() override {
        const std::string reason = unusableReason(index_);
        if (!reason.empty()) throw DeviceFailure(DeviceFailure::Kind::Unusable, reason);
        setCurrentDevice(index_);
        HYPERPRED_CHECK(cudaSetDevice(index_));
    }

    void* allocate(size_t bytes) override {
        void* memory = nullptr;
        HYPERPRED_CHECK(cudaMalloc(&memory, bytes));
        return memory;
    }
    void release(void* memory) noexcept override {
        cudaSetDevice(index_);
        cudaFree(memory);  // of a dead context: fails, and there is nothing left to do
    }

    void upload(void* to, const void* from, size_t bytes) override { staging_->upload(to, from, bytes, *stream_); }
    void download(void* to, const void* from, size_t bytes) override { staging_->download(to, from, bytes, *stream_); }

    std::unique_ptr<Mark> mark(std::unique_ptr<Mark> old) override {
        if (!old) old = std::make_unique<EventMark>();
        static_cast<const EventMark&>(*old).event().record(*stream_);
        return old;
    }
    // On the copies' own stream, after `free` and before all that is launched from now on. Of `arrived_`, which is
    // recorded again each time, cudaStreamWaitEvent takes the state at the time of its call.
    void uploadAhead(void* to, const void* from, size_t bytes, const Mark& free) override {
        static_cast<const EventMark&>(free).event().waitIn(*copies_);
        staging_->upload(to, from, bytes, *copies_);
        arrived_->record(*copies_);
        arrived_->waitIn(*stream_);
    }

    void copy(void* to, const void* from, size_t bytes) override {
        if (bytes == 0) return;
        if (!recorded_) {
            HYPERPRED_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, *stream_));
            return;
        }
        cudaGraphNode_t added = nullptr;
        HYPERPRED_CHECK(cudaGraphAddMemcpyNode1D(&added, recorded_, &last_, last_ ? 1 : 0, to, from, bytes,
                                                 cudaMemcpyDeviceToDevice));
        last_ = added;
    }
    void clear(void* memory, size_t bytes) override {
        if (bytes > 0) HYPERPRED_CHECK(cudaMemsetAsync(memory, 0, bytes, *stream_));
    }
    void finish() override { HYPERPRED_CHECK(cudaStreamSynchronize(*stream_)); }

    void launch(int kernel, const void* arguments, int64_t blocks) override {
        if (blocks > INT32_MAX) {
            throw DeviceFailure(DeviceFailure::Kind::OutOfMemory,
                                "a grid of " + std::to_string(blocks) + " blocks is beyond what CUDA launches");
        }
        const cudaError_t status = recorded_ ? addKernelNode(kernel, arguments, unsigned(blocks), recorded_, &last_)
                                             : launchKernel(kernel, arguments, unsigned(blocks), *stream_);
        if (status == cudaSuccess) return;
        const std::string call = "launch of kernel " + std::to_string(kernel) + " of kernel_list.hpp";
        check(status, call.c_str(), __FILE__, __LINE__);
    }

    // Its sums are in double, which most devices for graphics do at a 64th of the speed of float: there the many blocks
    // of the ordinary kernels are faster than the few of a cluster.
    bool runsClusters() override {
        if (!clusters_) return false;
        int launches = 0, ratio = 0, clusters = 0;
        HYPERPRED_CHECK(cudaDeviceGetAttribute(&launches, cudaDevAttrClusterLaunch, index_));
        HYPERPRED_CHECK(cudaDeviceGetAttribute(&ratio, cudaDevAttrSingleToDoublePrecisionPerfRatio, index_));
        if (launches == 0 || ratio > 2) return false;
        if (countClusters(&clusters) == cudaSuccess) return clusters > 0;
        cudaGetLastError();  // there is another way; an error that lasts shows at the next call
        return false;
    }

    // Node after node, and not by capturing the stream: that fails where another thread of the process, with or without
    // this module, waits for the whole device or gives back a library's handle meanwhile.
    std::unique_ptr<Recording> record(const std::function<void()>& launches) override {
        cudaGraph_t graph = nullptr;
        HYPERPRED_CHECK(cudaGraphCreate(&graph, 0));
        const std::unique_ptr<CUgraph_st, cudaError_t (*)(cudaGraph_t)> owner(graph, cudaGraphDestroy);
        last_ = nullptr;
        recorded_ = graph;
        try {
            launches();
        } catch (...) {
            recorded_ = nullptr;
            throw;
        }
        recorded_ = nullptr;
        return std::make_unique<Graph>(graph);
    }
    void replay(const Recording& recording) override {
        HYPERPRED_CHECK(cudaGraphLaunch(static_cast<const Graph&>(recording).executable(), *stream_));
    }

    void convolve(const ConvolutionTask& task) override {
        if (convolutions() && convolutions()->run(task)) return;
        own_.emplace(task.from.channels, task.from.height, task.to.channels, task.to.height, task.edge, task.images);
        if (task.half) {
            convolveDirectly<Half>(task);
        } else {
            convolveDirectly<float>(task);
        }
    }

    // cuDNN's ready-made kernels want the shift in half precision, where it is off by the same 2^-12 in every pixel and
    // no mean takes that away. Those that it compiles take floats.
    bool convolveAndFinish(const ConvolutionTask& task) override {
        return fused_ && convolutions() && convolutions()->runAndFinish(task);
    }

    bool addSquare(const double* rows, int64_t n, int p, double* out) override {
        if (!cublasLibrary() || n > INT32_MAX) return false;
        if (!cublas_) cublas_ = std::make_unique<Cublas>(*cublasLibrary(), *stream_);
        cublas_->addSquare(rows, int(n), p, out);
        return true;
    }

private:
    CudnnConvolutions* convolutions() {
        if (!cudnnLibrary()) return nullptr;
        if (!convolutions_) convolutions_ = std::make_unique<CudnnConvolutions>(*cudnnLibrary(), *stream_, fused_);
        return convolutions_.get();
    }

    template <class T>
    void convolveDirectly(const ConvolutionTask& task) {
        DirectConvolution<T> kernel{};
        kernel.in = static_cast<const T*>(task.in);
        kernel.kernel = static_cast<const T*>(task.kernel);
        kernel.out = static_cast<T*>(task.out);
        kernel.from = task.from;
        kernel.to = task.to;
        kernel.edge = task.edge;
        kernel.stride = task.stride;
        kernel.pad = task.pad;
        kernel.images = task.images;
        cuda::launch(*this, kernel);
    }

    int index_;
    bool fused_, clusters_;
    size_t chunkBytes_ = 0;
    std::string name_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Stream> copies_;  // what is uploaded ahead
    std::unique_ptr<Event> arrived_;  // the last of it
    std::unique_ptr<Staging> staging_;
    // While record() runs: the graph that launches and copies go into, and the last of them. Else null.
    cudaGraph_t recorded_ = nullptr;
    cudaGraphNode_t last_ = nullptr;
    // Shapes that no library has taken: channels and height of both maps, window, images.
    std::set<std::tuple<int, int, int, int, int, int64_t>> own_;
    // Made when first used: each takes tens of milliseconds and memory on the device.
    std::unique_ptr<CudnnConvolutions> convolutions_;
    std::unique_ptr<Cublas> cublas_;
};

}  // namespace

std::shared_ptr<Device> openCudaDevice(int index, bool fused, bool clusters) {
    return std::make_shared<CudaDevice>(index, fused, clusters);
}

std::string whyNoCudaDevice(int index) {
    const std::string broken = unusableReason(index);
    if (!broken.empty()) return broken;
    int count = 0;
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess) {
        cudaGetLastError();
        return std::string("no CUDA device answers: ") + cudaGetErrorString(code);
    }
    if (index >= count) {
        return "CUDA device " + std::to_string(index) + " does not exist, this machine has " + std::to_string(count);
    }
    code = cudaSetDevice(index);
    if (code == cudaSuccess) code = probeKernels();
    if (code == cudaSuccess) return "";
    cudaGetLastError();
    return "CUDA device " + std::to_string(index) + " cannot run this build: " + cudaGetErrorString(code);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
