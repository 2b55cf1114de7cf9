// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_GRAM_KERNELS_HPP
#define HYPERPRED_CUDA_GRAM_KERNELS_HPP

#include "cuda/kernel.hpp"

// What closed-form heads need of the features.

namespace cv {
namespace hyperpred {
namespace cuda {

// X^T X in double: one thread an entry of the upper triangle, rows in their order; the lower is its mirror.
struct GramEntries : EachElement<GramEntries> {
    const float* rows;  // n x p
    double* out;        // p x p
    int64_t n;
    int p;

    HYPERPRED_BOTH int64_t count() const { return int64_t(p) * p; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int64_t i = index / p, j = index % p;
        if (j < i) return;
        double sum = 0;
        for (int64_t row = 0; row < n; ++row) sum += double(rows[row * p + i]) * double(rows[row * p + j]);
        out[i * p + j] = sum;
        out[j * p + i] = sum;
    }
};

// Floats -> doubles, for cuBLAS.
struct Widen : EachElement<Widen> {
    const float* in;
    double* out;
    int64_t total;

    HYPERPRED_BOTH int64_t count() const { return total; }
    HYPERPRED_BOTH void element(int64_t i) const { out[i] = double(in[i]); }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
