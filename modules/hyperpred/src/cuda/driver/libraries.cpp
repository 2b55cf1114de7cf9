// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifdef HYPERPRED_WITH_CUDA

#include "cuda/driver/libraries.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

// Folders of the libraries that the build was made with; empty ones are not looked at.
#ifndef HYPERPRED_CUDNN_FOLDER
#define HYPERPRED_CUDNN_FOLDER ""
#endif
#ifndef HYPERPRED_CUBLAS_FOLDER
#define HYPERPRED_CUBLAS_FOLDER ""
#endif

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

// For tests on a machine with both: as if neither were there, so that the own kernels do all the work.
bool ownKernelsOnly() {
    const char* value = std::getenv("HYPERPRED_OWN_KERNELS");
    return value && *value;
}

// By name, as the loader finds it, then where the build found it. Never closed: threads of the library may live on.
void* openLibrary(const std::string& name, const std::string& folder) {
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library && !folder.empty()) library = dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
    return library;
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

std::string versioned(const char* stem, int major) {
    return std::string("lib") + stem + ".so." + std::to_string(major);
}

#define HYPERPRED_FIND(name) all = find(library, #name, result.name) && all;

bool openCudnn(CudnnLibrary& result) {
    void* library = openLibrary(versioned("cudnn", CUDNN_MAJOR), HYPERPRED_CUDNN_FOLDER);
    if (!library) return false;
    bool all = true;
    HYPERPRED_CUDNN_FUNCTIONS(HYPERPRED_FIND)
    return all;
}

bool openCublas(CublasLibrary& result) {
    // cublasLt first: from a folder that the loader does not know, cublas would not find it by itself.
    if (!openLibrary(versioned("cublasLt", CUBLAS_VER_MAJOR), HYPERPRED_CUBLAS_FOLDER)) return false;
    void* library = openLibrary(versioned("cublas", CUBLAS_VER_MAJOR), HYPERPRED_CUBLAS_FOLDER);
    if (!library) return false;
    bool all = true;
    HYPERPRED_CUBLAS_FUNCTIONS(HYPERPRED_FIND)
    return all;
}

}  // namespace

const CudnnLibrary* cudnnLibrary() {
    static CudnnLibrary library;
    static const bool there = !ownKernelsOnly() && openCudnn(library);
    return there ? &library : nullptr;
}

const CublasLibrary* cublasLibrary() {
    static CublasLibrary library;
    static const bool there = !ownKernelsOnly() && openCublas(library);
    return there ? &library : nullptr;
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
