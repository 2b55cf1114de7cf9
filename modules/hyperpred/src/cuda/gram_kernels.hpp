// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_GRAM_KERNELS_HPP
#define HYPERPRED_CUDA_GRAM_KERNELS_HPP

#include "cuda/kernel.hpp"

// What closed-form heads need of the features, added to what is there. Everything in double, in the order of the rows.

namespace cv {
namespace hyperpred {
namespace cuda {

// Rows of floats that lie anywhere -> n x p doubles.
struct GatherRows : EachElement<GatherRows> {
    const float* const* rows;  // n, each p numbers
    double* out;
    int64_t n;
    int p;

    HYPERPRED_BOTH int64_t count() const { return n * p; }
    HYPERPRED_BOTH void element(int64_t i) const { out[i] = double(rows[i / p][i % p]); }
};

// X^T X where there is no cuBLAS: one thread an entry of the upper triangle.
struct GramEntries : EachElement<GramEntries> {
    const double* rows;  // n x p
    double* out;         // p x p, entries i <= j
    int64_t n;
    int p;

    HYPERPRED_BOTH int64_t count() const { return int64_t(p) * p; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int64_t i = index / p, j = index % p;
        if (j < i) return;
        double sum = out[index];
        for (int64_t row = 0; row < n; ++row) sum += rows[row * p + i] * rows[row * p + j];
        out[index] = sum;
    }
};

// The rows of one class within a block of rows: order[begin] .. order[end - 1].
struct ClassSegment {
    int label, begin, end;
};

// Class sums: a block takes kColumns neighbouring columns of a segment, its turns the segment's rows one after the
// other.
struct ClassSums {
    static constexpr int kColumns = 32, kTurns = 8;
    static constexpr int kThreads = kColumns * kTurns;
    static constexpr int kPhases = 2;
    struct Shared {
        double sum[kTurns][kColumns];
    };

    const double* rows;            // n x p
    const int* order;              // n, rows by class
    const ClassSegment* segments;  // each class at most once: no two blocks add to one sum
    double* sums;                  // C x p
    int64_t segmentCount;
    int p;

    HYPERPRED_BOTH int64_t groups() const { return blocksFor(p, kColumns); }
    HYPERPRED_BOTH int64_t blocks() const { return segmentCount * groups(); }
    HYPERPRED_BOTH void phase(int number, int64_t block, int thread, Shared& shared) const {
        const ClassSegment segment = segments[block / groups()];
        const int column = thread % kColumns, turn = thread / kColumns;
        const int64_t j = block % groups() * kColumns + column;
        if (j >= p) return;
        if (number == 0) {
            double sum = 0;
            for (int i = segment.begin + turn; i < segment.end; i += kTurns) sum += rows[int64_t(order[i]) * p + j];
            shared.sum[turn][column] = sum;
        } else if (turn == 0) {
            double sum = sums[int64_t(segment.label) * p + j];
            for (int t = 0; t < kTurns; ++t) sum += shared.sum[t][column];
            sums[int64_t(segment.label) * p + j] = sum;
        }
    }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
