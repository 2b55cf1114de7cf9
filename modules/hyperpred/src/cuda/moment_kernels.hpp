// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_MOMENT_KERNELS_HPP
#define HYPERPRED_CUDA_MOMENT_KERNELS_HPP

#include <cmath>

#include "cuda/kernel.hpp"

// Batch-norm statistics in two ordered steps, without atomics: the slices depend on the number of rows alone, so the
// sums have one order on every device.

namespace cv {
namespace hyperpred {
namespace cuda {

// A block looks at this many neighbouring channels and takes the rows in turns.
const int kMomentChannels = 32;
const int kMomentTurns = 8;
const int kSliceRows = 512;  // rows (pixels) that one block adds up

struct MomentShared {
    double sum[kMomentTurns][kMomentChannels], squares[kMomentTurns][kMomentChannels];
};

// rows x channels values -> slices x channels sums and sums of squares. In double: 2^-53 times the square of the mean
// is nothing beside any variance that matters.
template <class T>
struct ColumnMoments {
    static constexpr int kThreads = kMomentChannels * kMomentTurns;
    static constexpr int kPhases = 2;
    using Shared = MomentShared;

    const T* values;
    double* sum;      // slices x channels
    double* squares;  // slices x channels
    int64_t rows;
    int channels;

    HYPERPRED_BOTH static int64_t slices(int64_t rows) { return blocksFor(rows, kSliceRows); }
    HYPERPRED_BOTH int64_t groups() const { return blocksFor(channels, kMomentChannels); }
    HYPERPRED_BOTH int64_t blocks() const { return slices(rows) * groups(); }
    HYPERPRED_BOTH void phase(int number, int64_t block, int thread, Shared& shared) const {
        const int64_t slice = block / groups();
        const int column = thread % kMomentChannels, turn = thread / kMomentChannels;
        const int c = int(block % groups()) * kMomentChannels + column;
        if (c >= channels) return;
        if (number == 0) {
            const int64_t end = (slice + 1) * kSliceRows < rows ? (slice + 1) * kSliceRows : rows;
            double all = 0, square = 0;
            for (int64_t row = slice * kSliceRows + turn; row < end; row += kMomentTurns) {
                const double value = double(load(values[row * channels + c]));
                all += value;
                square += value * value;
            }
            shared.sum[turn][column] = all;
            shared.squares[turn][column] = square;
        } else if (turn == 0) {
            double all = 0, square = 0;
            for (int t = 0; t < kMomentTurns; ++t) {
                all += shared.sum[t][column];
                square += shared.squares[t][column];
            }
            sum[slice * channels + c] = all;
            squares[slice * channels + c] = square;
        }
    }
};

// The slices' sums -> mean and population variance.
struct FinishMoments {
    static constexpr int kThreads = kMomentChannels * kMomentTurns;
    static constexpr int kPhases = 2;
    using Shared = MomentShared;

    const double* sum;
    const double* squares;
    int64_t slices;
    double rows;
    int channels, padded;  // true channels; columns of the sums
    float* mean;           // channels
    float* variance;       // channels

    HYPERPRED_BOTH int64_t blocks() const { return blocksFor(channels, kMomentChannels); }
    HYPERPRED_BOTH void phase(int number, int64_t block, int thread, Shared& shared) const {
        const int column = thread % kMomentChannels, turn = thread / kMomentChannels;
        const int c = int(block) * kMomentChannels + column;
        if (c >= channels) return;
        if (number == 0) {
            double all = 0, square = 0;
            for (int64_t slice = turn; slice < slices; slice += kMomentTurns) {
                all += sum[slice * padded + c];
                square += squares[slice * padded + c];
            }
            shared.sum[turn][column] = all;
            shared.squares[turn][column] = square;
        } else if (turn == 0) {
            double all = 0, square = 0;
            for (int t = 0; t < kMomentTurns; ++t) {
                all += shared.sum[t][column];
                square += shared.squares[t][column];
            }
            const double average = all / rows, spread = square / rows - average * average;
            mean[c] = float(average);
            variance[c] = spread < 0 ? 0.f : float(spread);  // a NaN stays one
        }
    }
};

// y = scale x + shift of a calibrated batch-norm.
struct AffineOfNorm : EachElement<AffineOfNorm> {
    const float* gamma;  // channels, as the next three
    const float* beta;
    const float* mean;
    const float* variance;
    float* scale;  // padded
    float* shift;  // padded
    int channels, padded;
    float epsilon;

    HYPERPRED_BOTH int64_t count() const { return padded; }
    HYPERPRED_BOTH void element(int64_t c) const {
        if (c >= channels) {
            scale[c] = shift[c] = 0.f;
            return;
        }
        const double factor = double(gamma[c]) / sqrt(double(variance[c]) + double(epsilon));
        scale[c] = float(factor);
        shift[c] = float(double(beta[c]) - double(mean[c]) * factor);
    }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
