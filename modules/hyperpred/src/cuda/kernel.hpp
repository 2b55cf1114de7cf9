// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_KERNEL_HPP
#define HYPERPRED_CUDA_KERNEL_HPP

#include <cstdint>

#include "half.hpp"

#ifdef __CUDACC__
#include <cuda_fp16.h>
#define HYPERPRED_BOTH __host__ __device__
#else
#define HYPERPRED_BOTH
#endif

// What a kernel of this folder is: a plain struct whose fields are its arguments, with
//   kThreads            threads a block
//   kPhases             a block runs phase 0 in all its threads, then a barrier, then phase 1, ...
//   Shared              what the block's threads share between phases
//   blocks()            size of the grid
//   phase(p, block, thread, shared)
// The same struct runs on a device (kernels.cu) and, block after block and thread after thread, on the host
// (test/host_device.hpp): every index is checked without a GPU.

namespace cv {
namespace hyperpred {
namespace cuda {

// Activations are N x H x W x C with C rounded up to this many channels: 16 bytes of half, one load a thread and what
// tensor cores ask for. The channels above the true ones hold zeros.
const int kLane = 8;

HYPERPRED_BOTH constexpr int paddedChannels(int channels) {
    return (channels + kLane - 1) / kLane * kLane;
}

HYPERPRED_BOTH constexpr int64_t blocksFor(int64_t items, int64_t each) {
    return (items + each - 1) / each;
}

// A half as it lies in memory.
struct Half {
    uint16_t bits;
};

HYPERPRED_BOTH inline float load(float value) {
    return value;
}
HYPERPRED_BOTH inline float load(Half value) {
#ifdef __CUDA_ARCH__
    return __half2float(__ushort_as_half(value.bits));
#else
    return halfToFloat(value.bits);
#endif
}
HYPERPRED_BOTH inline void store(float value, float& to) {
    to = value;
}
HYPERPRED_BOTH inline void store(float value, Half& to) {
#ifdef __CUDA_ARCH__
    to.bits = __half_as_ushort(__float2half_rn(value));
#else
    to.bits = floatToHalf(value);
#endif
}

// kLane neighbouring values, moved by one or two 16-byte accesses.
template <class T>
struct alignas(kLane * sizeof(T)) Lanes {
    T values[kLane];
};

struct NoShared {};

// A kernel without phases: element(i) for i in 0 .. count - 1, in any order.
template <class Own>
struct EachElement {
    static constexpr int kThreads = 256;
    static constexpr int kPhases = 1;
    using Shared = NoShared;

    HYPERPRED_BOTH int64_t blocks() const { return blocksFor(own().count(), kThreads); }
    HYPERPRED_BOTH void phase(int, int64_t block, int thread, Shared&) const {
        const int64_t index = block * kThreads + thread;
        if (index < own().count()) own().element(index);
    }

private:
    HYPERPRED_BOTH const Own& own() const { return static_cast<const Own&>(*this); }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
