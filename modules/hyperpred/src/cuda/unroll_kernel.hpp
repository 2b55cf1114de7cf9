// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_UNROLL_KERNEL_HPP
#define HYPERPRED_CUDA_UNROLL_KERNEL_HPP

#include <cmath>

#include "cuda/hyper_kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// The whole unroll in one launch: one cluster of blocks, which can wait for each other within it. Each step's products
// are shared out by rows; states, outputs and norms are computed by every block for itself, so that a step has a single
// moment at which blocks wait. Sums are in double as in hyper_kernels.hpp, in an order of their own.
//
// A cluster kernel has, in place of kPhases,
//   kCluster            its blocks, which all run at once
//   phases()            how many phases there are
//   waitsForAll(p)      after phase p all blocks wait for each other, else the threads of each block
struct UnrollCluster {
    static constexpr int kCluster = 8;  // every device with clusters runs as many (CUDA guide, "portable")
    static constexpr int kThreads = 768;
    static constexpr int kParts = 4;  // of a row's columns, one thread each
    static constexpr int kMostWidth = 512, kMostCells = 2;
    static constexpr int kMostRows = 6 * kMostWidth / kCluster;  // of a block
    static constexpr int kAdders = 32;                           // threads that add up a norm

    struct Cell {
        const float* weight;      // d x 6 d: of each column 3 d rows that read the input, then 3 d that read the state
        const float* inputBias;   // 3 d; of the first cell L x 3 d
        const float* hiddenBias;  // 3 d
    };
    struct Shared {
        double part[kParts][kMostRows];
        double sum[kAdders];
        double mean, scale;
        float hidden[kMostCells][kMostWidth];
        float output[kMostWidth];
    };

    Cell cells[kMostCells];
    int cellCount, layers, width;  // d
    float mix;
    const float* sketch;  // d
    const float* normWeight;
    const float* normBias;
    float* products;  // 2 x 6 d: while some blocks still read those of a step, others may write those of the next
    float* codes;     // L x d

    HYPERPRED_BOTH static bool fits(int width, int cells) { return width <= kMostWidth && cells <= kMostCells; }

    HYPERPRED_BOTH int64_t blocks() const { return kCluster; }
    HYPERPRED_BOTH int phases() const { return 1 + kNormPhases + layers * layerPhases(); }
    HYPERPRED_BOTH bool waitsForAll(int number) const {
        const int at = (number - 1 - kNormPhases) % layerPhases();
        return number > kNormPhases && at < kCellPhases * cellCount && at % kCellPhases == kCombine;
    }
    HYPERPRED_BOTH void phase(int number, int64_t block, int thread, Shared& shared) const {
        if (number == 0) {
            for (int i = thread; i < width; i += kThreads) {
                for (int cell = 0; cell < cellCount; ++cell) shared.hidden[cell][i] = sketch[i];
            }
        } else if (number <= kNormPhases) {
            norm(number - 1, -1, block, thread, shared);  // of the bare sketch: what layer 0 is fed
        } else {
            const int layer = (number - 1 - kNormPhases) / layerPhases();
            const int at = (number - 1 - kNormPhases) % layerPhases(), cell = at / kCellPhases;
            if (cell >= cellCount) {
                norm(at - kCellPhases * cellCount, layer, block, thread, shared);
            } else if (at % kCellPhases == 0) {
                multiply(cell, int(block), thread, shared);
            } else if (at % kCellPhases == kCombine) {
                combine(layer, cell, int(block), thread, shared);
            } else {
                gates(layer, cell, thread, shared);
            }
        }
    }

private:
    static constexpr int kCellPhases = 3, kCombine = 1, kNormPhases = 5;
    HYPERPRED_BOTH int layerPhases() const { return kCellPhases * cellCount + kNormPhases; }
    HYPERPRED_BOTH int rowsOfBlock() const { return (6 * width + kCluster - 1) / kCluster; }
    HYPERPRED_BOTH float* productsOf(int layer, int cell) const {
        return products + int64_t((layer * cellCount + cell) % 2) * 6 * width;
    }

    // Parts of the products of this block's rows. Neighbouring threads read neighbouring rows of a column.
    HYPERPRED_BOTH void multiply(int cell, int block, int thread, Shared& shared) const {
        const int rows = rowsOfBlock(), all = 6 * width;
        const float* input = cell == 0 ? shared.output : shared.hidden[cell - 1];
        for (int item = thread; item < rows * kParts; item += kThreads) {
            const int local = item % rows, part = item / rows, row = block * rows + local;
            if (row >= all) continue;
            const float* x = row < 3 * width ? input : shared.hidden[cell];
            const float* weight = cells[cell].weight + row;
            double sum = 0;
            const int end = (part + 1) * width / kParts;
#ifdef __CUDA_ARCH__
#pragma unroll 16  // as many loads on their way at once
#endif
            for (int c = part * width / kParts; c < end; ++c) sum += double(weight[int64_t(c) * all]) * double(x[c]);
            shared.part[part][local] = sum;
        }
    }

    HYPERPRED_BOTH void combine(int layer, int cell, int block, int thread, Shared& shared) const {
        const int rows = rowsOfBlock();
        const float* inputBias = cells[cell].inputBias + (cell == 0 ? int64_t(layer) * 3 * width : 0);
        for (int local = thread; local < rows; local += kThreads) {
            const int row = block * rows + local;
            if (row >= 6 * width) continue;
            double sum = double(row < 3 * width ? inputBias[row] : cells[cell].hiddenBias[row - 3 * width]);
            for (int part = 0; part < kParts; ++part) sum += shared.part[part][local];
            productsOf(layer, cell)[row] = float(sum);
        }
    }

    HYPERPRED_BOTH void gates(int layer, int cell, int thread, Shared& shared) const {
        GruGates all{};
        all.fromInput = productsOf(layer, cell);
        all.fromHidden = all.fromInput + 3 * width;
        all.hidden = shared.hidden[cell];
        all.width = width;
        for (int i = thread; i < width; i += kThreads) all.element(i);
    }

    // What the norm is of: the last cell's state with the sketch mixed in; of layer -1 the sketch, which is that state.
    HYPERPRED_BOTH double value(int layer, int i, const Shared& shared) const {
        const double state = double(shared.hidden[cellCount - 1][i]);
        return layer >= 0 && mix != 0 ? state + double(mix) * double(sketch[i]) : state;
    }
    HYPERPRED_BOTH static double total(const Shared& shared) {
        double sum = 0;
        for (int t = 0; t < kAdders; ++t) sum += shared.sum[t];
        return sum;
    }
    HYPERPRED_BOTH void norm(int number, int layer, int64_t block, int thread, Shared& shared) const {
        if (number == 0 || number == 2) {
            if (thread >= kAdders) return;
            double sum = 0;
            for (int i = thread; i < width; i += kAdders) {
                const double off = value(layer, i, shared) - (number == 0 ? 0.0 : shared.mean);
                sum += number == 0 ? off : off * off;
            }
            shared.sum[thread] = sum;
        } else if (number == 1) {
            if (thread == 0) shared.mean = total(shared) / width;
        } else if (number == 3) {
            if (thread == 0) shared.scale = 1 / sqrt(total(shared) / width + NormRow::kEpsilon);
        } else {
            for (int i = thread; i < width; i += kThreads) {
                const double off = value(layer, i, shared) - shared.mean;
                const float out = float(off * shared.scale * double(normWeight[i]) + double(normBias[i]));
                shared.output[i] = out;
                if (layer >= 0 && block == 0) codes[int64_t(layer) * width + i] = out;
            }
        }
    }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
