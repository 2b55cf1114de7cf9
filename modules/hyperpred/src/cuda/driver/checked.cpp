// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/checked.hpp"

#include <cstring>
#include <map>
#include <mutex>

#include "cuda/driver/libraries.hpp"
#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

thread_local int currentDevice = 0;

struct Unusable {
    std::mutex lock;
    std::map<int, std::string> reasons;
};
Unusable& unusable() {
    static Unusable all;
    return all;
}

[[noreturn]] void raise(bool memory, const std::string& meaning, int code, const char* call, const char* file,
                        int line) {
    const std::string name(call, std::strcspn(call, "("));
    const char* slash = std::strrchr(file, '/');
    const std::string sentence = name + " failed: " + meaning + " (code " + std::to_string(code) + ", " +
                                 (slash ? slash + 1 : file) + ":" + std::to_string(line) + ")";
    if (memory) throw DeviceFailure(DeviceFailure::Kind::OutOfMemory, sentence);
    const std::lock_guard<std::mutex> lock(unusable().lock);
    unusable().reasons.emplace(currentDevice, sentence);
    throw DeviceFailure(DeviceFailure::Kind::Unusable, sentence);
}

}  // namespace

void setCurrentDevice(int device) {
    currentDevice = device;
}

std::string unusableReason(int device) {
    const std::lock_guard<std::mutex> lock(unusable().lock);
    const auto found = unusable().reasons.find(device);
    return found == unusable().reasons.end() ? "" : found->second;
}

void check(cudaError_t code, const char* call, const char* file, int line) {
    if (code == cudaSuccess) return;
    const bool memory = code == cudaErrorMemoryAllocation;
    if (memory) cudaGetLastError();  // not sticky: the next call must not see it again
    raise(memory, cudaGetErrorString(code), int(code), call, file, line);
}

void check(cudnnStatus_t code, const char* call, const char* file, int line) {
    if (code == CUDNN_STATUS_SUCCESS) return;
    const bool memory = code == CUDNN_STATUS_ALLOC_FAILED ||
                        code == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
                        code == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    const CudnnLibrary* library = cudnnLibrary();  // null in tests that bring a library of their own
    raise(memory, library ? library->cudnnGetErrorString(code) : "cuDNN", int(code), call, file, line);
}

void check(cublasStatus_t code, const char* call, const char* file, int line) {
    if (code == CUBLAS_STATUS_SUCCESS) return;
    raise(code == CUBLAS_STATUS_ALLOC_FAILED, cublasLibrary()->cublasGetStatusString(code), int(code), call, file,
          line);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
