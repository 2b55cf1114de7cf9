// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/kernels.hpp"

// The instruction set that the compiler was told to assume (SSE2, NEON or better).
#define HYPERPRED_LANES 4
#ifdef __aarch64__
#define HYPERPRED_ROWS 12  // 24 of 32 registers of sums
#else
#define HYPERPRED_ROWS 6
#endif
#define HYPERPRED_KERNELS kernelsBaseline
#include "cpu/kernels_inline.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

const Kernels& kernelsAvx512(const char* name);
const Kernels& kernelsAvx2(const char* name);

const Kernels& kernels() {
    static const Kernels& chosen = []() -> const Kernels& {
#if defined(__x86_64__) && defined(__GNUC__)
        const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
        if (avx2 && avx512) return kernelsAvx512("AVX-512");
        if (avx2) return kernelsAvx2("AVX2");
#endif
#if defined(__aarch64__)
        return kernelsBaseline("NEON");
#else
        return kernelsBaseline("baseline");
#endif
    }();
    return chosen;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
