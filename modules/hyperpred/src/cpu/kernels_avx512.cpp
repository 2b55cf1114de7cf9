// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/kernels.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#define HYPERPRED_LANES 16
#define HYPERPRED_ROWS 14  // 28 registers of sums of 32
#define HYPERPRED_KERNELS kernelsAvx512
#include "cpu/kernels_inline.hpp"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
