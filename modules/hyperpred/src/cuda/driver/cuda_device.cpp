// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/cuda_device.hpp"

#include <algorithm>
#include <cstring>

#include "cuda/driver/checked.hpp"
#include "cuda/driver/cudnn_convolution.hpp"
#include "cuda/driver/kernels.hpp"
#include "cuda/driver/libraries.hpp"
#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

const size_t kStagingBytes = size_t(8) << 20;
const size_t kChunkBytes = size_t(512) << 20;

// Pinned host memory through which copies go, and the moment from which it may be used again.
class Staging {
public:
    Staging() {
        HYPERPRED_CHECK(cudaMallocHost(&memory_, kStagingBytes));
        HYPERPRED_CHECK(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming));
    }
    ~Staging() {
        if (done_) cudaEventDestroy(done_);
        if (memory_) cudaFreeHost(memory_);
    }
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    void* memory() const { return memory_; }
    void wait() const { HYPERPRED_CHECK(cudaEventSynchronize(done_)); }
    void mark(cudaStream_t stream) const { HYPERPRED_CHECK(cudaEventRecord(done_, stream)); }

private:
    void* memory_ = nullptr;
    cudaEvent_t done_ = nullptr;
};

class Stream {
public:
    Stream() { HYPERPRED_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
    ~Stream() {
        if (stream_) cudaStreamDestroy(stream_);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    operator cudaStream_t() const { return stream_; }

private:
    cudaStream_t stream_ = nullptr;
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
    void multiplyByItself(const double* rows, int n, int p, double* out) {
        const double one = 1, zero = 0;
        HYPERPRED_CHECK(
            library_.cublasDsyrk_v2(handle_, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, p, n, &one, rows, p, &zero, out, p));
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
    explicit CudaDevice(int index) : index_(index) {
        enter();
        cudaDeviceProp properties;
        HYPERPRED_CHECK(cudaGetDeviceProperties(&properties, index));
        stream_ = std::make_unique<Stream>();
        for (auto& staging : staging_) staging = std::make_unique<Staging>();
        name_ = properties.name;
        if (index > 0) name_ += " (device " + std::to_string(index) + ")";
        name_ += ", CUDA " + dotted(CUDART_VERSION, 1000, 10);
        name_ += cudnnLibrary() ? ", cuDNN " + dotted(int(cudnnLibrary()->cudnnGetVersion()), 10000, 100)
                                : std::string(", without cuDNN");
        if (!cublasLibrary()) name_ += ", without cuBLAS";
    }

    ~CudaDevice() override { cudaSetDevice(index_); }

    std::string name() const override { return name_; }
    size_t chunkBytes() const override { return kChunkBytes; }

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

    // Through two pinned buffers in turn: one is filled while the other is on its way, and the caller's memory is free
    // when this returns.
    void upload(void* to, const void* from, size_t bytes) override {
        for (size_t done = 0; done < bytes;) {
            const size_t piece = std::min(kStagingBytes, bytes - done);
            const Staging& staging = *staging_[turn_ ^= 1];
            staging.wait();
            std::memcpy(staging.memory(), static_cast<const char*>(from) + done, piece);
            HYPERPRED_CHECK(cudaMemcpyAsync(static_cast<char*>(to) + done, staging.memory(), piece,
                                            cudaMemcpyHostToDevice, *stream_));
            staging.mark(*stream_);
            done += piece;
        }
    }

    void download(void* to, const void* from, size_t bytes) override {
        size_t asked = 0, written = 0;
        const auto ask = [&] {
            const size_t piece = std::min(kStagingBytes, bytes - asked);
            const Staging& staging = *staging_[asked / kStagingBytes % 2];
            staging.wait();
            HYPERPRED_CHECK(cudaMemcpyAsync(staging.memory(), static_cast<const char*>(from) + asked, piece,
                                            cudaMemcpyDeviceToHost, *stream_));
            staging.mark(*stream_);
            asked += piece;
        };
        if (bytes > 0) ask();
        while (written < bytes) {
            if (asked < bytes) ask();
            const size_t piece = std::min(kStagingBytes, bytes - written);
            const Staging& staging = *staging_[written / kStagingBytes % 2];
            staging.wait();
            std::memcpy(static_cast<char*>(to) + written, staging.memory(), piece);
            written += piece;
        }
    }

    void copy(void* to, const void* from, size_t bytes) override {
        if (bytes > 0) HYPERPRED_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, *stream_));
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
        check(kernelLauncher(kernel)(arguments, unsigned(blocks), *stream_), "kernel launch", __FILE__, __LINE__);
    }

    std::unique_ptr<Recording> record(const std::function<void()>& launches) override {
        // Thread-local: another thread's allocations must not end this capture.
        HYPERPRED_CHECK(cudaStreamBeginCapture(*stream_, cudaStreamCaptureModeThreadLocal));
        cudaGraph_t graph = nullptr;
        try {
            launches();
        } catch (...) {
            cudaStreamEndCapture(*stream_, &graph);
            if (graph) cudaGraphDestroy(graph);
            throw;
        }
        HYPERPRED_CHECK(cudaStreamEndCapture(*stream_, &graph));
        const std::unique_ptr<CUgraph_st, cudaError_t (*)(cudaGraph_t)> owner(graph, cudaGraphDestroy);
        return std::make_unique<Graph>(graph);
    }
    void replay(const Recording& recording) override {
        HYPERPRED_CHECK(cudaGraphLaunch(static_cast<const Graph&>(recording).executable(), *stream_));
    }

    void convolve(const ConvolutionTask& task) override {
        if (cudnnLibrary()) {
            if (!convolutions_) convolutions_ = std::make_unique<CudnnConvolutions>(*cudnnLibrary(), *stream_);
            if (convolutions_->run(task)) return;
        }
        if (task.half) {
            convolveDirectly<Half>(task);
        } else {
            convolveDirectly<float>(task);
        }
    }

    // cuDNN's old fused call wants the shift in half precision, where it is off by the same 2^-12 in every pixel and no
    // mean takes that away; one own launch for all that follows a convolution costs one more trip through memory.
    bool convolveAndFinish(const ConvolutionTask&) override { return false; }

    bool multiplyByItself(const double* rows, int64_t n, int p, double* out) override {
        if (!cublasLibrary() || n > INT32_MAX) return false;
        if (!cublas_) cublas_ = std::make_unique<Cublas>(*cublasLibrary(), *stream_);
        cublas_->multiplyByItself(rows, int(n), p, out);
        return true;
    }

private:
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
    std::string name_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Staging> staging_[2];
    size_t turn_ = 0;
    // Made when first used: each takes tens of milliseconds and memory on the device.
    std::unique_ptr<CudnnConvolutions> convolutions_;
    std::unique_ptr<Cublas> cublas_;
};

}  // namespace

std::shared_ptr<Device> openCudaDevice(int index) {
    return std::make_shared<CudaDevice>(index);
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
