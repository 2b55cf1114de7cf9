// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/kernels.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define HYPERPRED_LANES 8
#define HYPERPRED_ROWS 6  // 12 registers of sums of 16
#define HYPERPRED_KERNELS kernelsAvx2
#include "cpu/kernels_inline.hpp"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
