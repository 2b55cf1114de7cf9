// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_DRIVER_CHECKED_HPP
#define HYPERPRED_CUDA_DRIVER_CHECKED_HPP

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <string>

// Return codes -> DeviceFailure with the call, the code, its meaning and the place.

namespace cv {
namespace hyperpred {
namespace cuda {

// Of the device that the calling thread has entered.
void setCurrentDevice(int device);
// A device that failed with anything but a lack of memory is left alone for the rest of the process: a CUDA context
// does not recover from a fault.
std::string unusableReason(int device);

void check(cudaError_t code, const char* call, const char* file, int line);
void check(cudnnStatus_t code, const char* call, const char* file, int line);
void check(cublasStatus_t code, const char* call, const char* file, int line);

#define HYPERPRED_CHECK(call) ::cv::hyperpred::cuda::check(call, #call, __FILE__, __LINE__)

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
