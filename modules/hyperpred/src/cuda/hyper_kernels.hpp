// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_HYPER_KERNELS_HPP
#define HYPERPRED_CUDA_HYPER_KERNELS_HPP

#include <cmath>

#include "cuda/kernel.hpp"

// Sketch -> codes -> weights (doc/model.md, "Recurrent cell" and "Generators"). Everything is stored in float and added
// up in double: the recurrent cell feeds its own rounding back, and the bytes, not the sums, are what these cost.

namespace cv {
namespace hyperpred {
namespace cuda {

// ---- matrix times vector, many rows at once ----

// y[row] = bias[row] + W[row] . x of the row's group. One block a row.
struct LongRows {
    static constexpr int kThreads = 64;
    static constexpr int kPhases = 3;
    static constexpr int kParts = 8;  // the threads' sums are added up in two steps
    struct Shared {
        double sum[kThreads], part[kParts];
    };

    const float* weight;  // rows x columns
    const float* bias;    // rows, or null
    const float* x;       // group g at x + g x columns
    const int* group;     // of each row, or null where there is one
    float* y;             // rows
    int64_t rows;
    int columns;

    HYPERPRED_BOTH int64_t blocks() const { return rows; }
    HYPERPRED_BOTH void phase(int number, int64_t row, int thread, Shared& shared) const {
        if (number == 0) {
            const float* source = x + (group ? int64_t(group[row]) * columns : 0);
            double sum = 0;
            for (int i = thread; i < columns; i += kThreads) {
                sum += double(weight[row * columns + i]) * double(source[i]);
            }
            shared.sum[thread] = sum;
        } else if (number == 1) {
            if (thread >= kParts) return;
            double sum = 0;
            for (int i = 0; i < kThreads / kParts; ++i) sum += shared.sum[i * kParts + thread];
            shared.part[thread] = sum;
        } else if (thread == 0) {
            double sum = bias ? double(bias[row]) : 0;
            for (int i = 0; i < kParts; ++i) sum += shared.part[i];
            y[row] = float(sum);
        }
    }
};

// The same for short rows: one thread a row. Row r reads `columns` numbers at x + source[r].
struct ShortRows : EachElement<ShortRows> {
    const float* weight;  // rows x columns
    const float* bias;    // rows
    const float* x;
    const int64_t* source;  // of each row
    float* y;
    int64_t rows;
    int columns;

    HYPERPRED_BOTH int64_t count() const { return rows; }
    HYPERPRED_BOTH void element(int64_t row) const {
        double sum = double(bias[row]);
        for (int i = 0; i < columns; ++i) sum += double(weight[row * columns + i]) * double(x[source[row] + i]);
        y[row] = float(sum);
    }
};

// ---- the recurrent cell ----

// The two products of a GRU step, 3 d rows from the input and 3 d from the state. One block a row.
struct GruProducts {
    static constexpr int kThreads = LongRows::kThreads;
    static constexpr int kPhases = LongRows::kPhases;
    using Shared = LongRows::Shared;

    LongRows fromInput, fromHidden;

    HYPERPRED_BOTH int64_t blocks() const { return fromInput.rows + fromHidden.rows; }
    HYPERPRED_BOTH void phase(int number, int64_t row, int thread, Shared& shared) const {
        if (row < fromInput.rows) {
            fromInput.phase(number, row, thread, shared);
        } else {
            fromHidden.phase(number, row - fromInput.rows, thread, shared);
        }
    }
};

// Gates r, z, n as torch::nn::GRUCell; the state is replaced in place.
struct GruGates : EachElement<GruGates> {
    const float* fromInput;   // 3 d
    const float* fromHidden;  // 3 d
    float* hidden;            // d
    int width;                // d

    HYPERPRED_BOTH int64_t count() const { return width; }
    HYPERPRED_BOTH static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
    HYPERPRED_BOTH void element(int64_t i) const {
        const int64_t d = width;
        const double r = sigmoid(double(fromInput[i]) + double(fromHidden[i]));
        const double z = sigmoid(double(fromInput[d + i]) + double(fromHidden[d + i]));
        const double n = tanh(double(fromInput[2 * d + i]) + r * double(fromHidden[2 * d + i]));
        hidden[i] = float((1 - z) * n + z * double(hidden[i]));
    }
};

// o = LayerNorm(h + mix s), one block.
struct NormRow {
    static constexpr int kThreads = 256;
    static constexpr int kPhases = 5;
    static constexpr double kEpsilon = 1e-5;
    struct Shared {
        double sum[kThreads];
        double mean, scale;
    };

    const float* hidden;
    const float* sketch;  // added `mix` times; may be null where mix is 0
    float mix;
    const float* weight;
    const float* bias;
    float* out;
    int width;

    HYPERPRED_BOTH int64_t blocks() const { return 1; }
    HYPERPRED_BOTH void phase(int number, int64_t, int thread, Shared& shared) const {
        switch (number) {
            case 0: sumOwn(thread, 0, false, shared); break;
            case 1:
                if (thread == 0) shared.mean = total(shared) / width;
                break;
            case 2: sumOwn(thread, shared.mean, true, shared); break;
            case 3:
                if (thread == 0) shared.scale = 1 / sqrt(total(shared) / width + kEpsilon);
                break;
            default:
                for (int i = thread; i < width; i += kThreads) {
                    out[i] = float((value(i) - shared.mean) * shared.scale * double(weight[i]) + double(bias[i]));
                }
        }
    }

private:
    HYPERPRED_BOTH double value(int i) const {
        return sketch ? double(hidden[i]) + double(mix) * double(sketch[i]) : double(hidden[i]);
    }
    HYPERPRED_BOTH void sumOwn(int thread, double centre, bool square, Shared& shared) const {
        double sum = 0;
        for (int i = thread; i < width; i += kThreads) {
            const double off = value(i) - centre;
            sum += square ? off * off : off;
        }
        shared.sum[thread] = sum;
    }
    HYPERPRED_BOTH static double total(const Shared& shared) {
        double sum = 0;
        for (int t = 0; t < kThreads; ++t) sum += shared.sum[t];
        return sum;
    }
};

// ---- generators: one launch over all layers ----

// Where a predicted layer's numbers lie in the arenas, in floats.
struct GeneratorLayer {
    int outputs, inputs, window;  // O, I (1 where it is depthwise), k x k
    int depthwise;
    int64_t kernel;               // first weight among all kernels
    int64_t inputGain;            // a (I, or k x k where it is depthwise) among the first products
    int64_t u, v;                 // R x O and R x (I k k) among the second products
    // pure
    int64_t tileHidden;  // first of the layer's tiles x (k k) x H numbers
    int64_t embedding;   // tiles x d, among the parameters
    int64_t expandWeight, expandBias, mixWeight, mixBias, tileWeight, tileBias;
    int inTiles;

    // Which of the numbers a belongs to place j of a row of the kernel, j = (i, y, x).
    HYPERPRED_BOTH int64_t gainOf(int64_t j) const { return inputGain + (depthwise ? j : j / window); }
};

// Index of the last entry whose first number is not above `at`; `first` ascends.
struct GeneratorTable {
    const GeneratorLayer* layers;
    int count;

    HYPERPRED_BOTH const GeneratorLayer& byKernel(int64_t at) const {
        int low = 0, high = count;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            (layers[middle].kernel <= at ? low : high) = middle;
        }
        return layers[low];
    }
    HYPERPRED_BOTH int byTileHidden(int64_t at) const {
        int low = 0, high = count;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            (layers[middle].tileHidden <= at ? low : high) = middle;
        }
        return low;
    }
};

// W[o, j] = W_base[o, j] (1 + a[i]) + sum_r u[r, o] v[r, j], j = (i, y, x); all layers' kernels end to end.
struct ResidualKernels : EachElement<ResidualKernels> {
    GeneratorTable table;
    const float* base;     // all kernels
    const float* gains;    // first products: g, b, a, t of each layer
    const float* factors;  // second products: u, v of each layer
    float* kernels;
    int64_t total;
    int rank;

    HYPERPRED_BOTH int64_t count() const { return total; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const GeneratorLayer& layer = table.byKernel(index);
        const int64_t at = index - layer.kernel, row = int64_t(layer.inputs) * layer.window;
        const int64_t o = at / row, j = at % row;
        double value = double(base[index]) * (1 + double(gains[layer.gainOf(j)]));
        for (int r = 0; r < rank; ++r) {
            value += double(factors[layer.u + r * layer.outputs + o]) * double(factors[layer.v + r * row + j]);
        }
        kernels[index] = float(value);
    }
};

// gamma = gamma_base (1 + g), beta = beta_base + b; all batch-norms end to end.
struct PredictedNorms : EachElement<PredictedNorms> {
    const float* baseGamma;
    const float* baseBeta;
    const int64_t* gain;   // of each channel: its g among the first products, or -1
    const int64_t* shift;  // its b, or -1
    const float* gains;    // first products
    float* gamma;
    float* beta;
    int64_t total;

    HYPERPRED_BOTH int64_t count() const { return total; }
    HYPERPRED_BOTH void element(int64_t i) const {
        gamma[i] = gain[i] < 0 ? baseGamma[i] : float(double(baseGamma[i]) * (1 + double(gains[gain[i]])));
        beta[i] = shift[i] < 0 ? baseBeta[i] : float(double(baseBeta[i]) + double(gains[shift[i]]));
    }
};

HYPERPRED_BOTH inline double gelu(double x) {
    return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
}

// m = GELU(We (o + embedding) + be), all tiles of all layers end to end as tiles x (k k) x H.
struct ExpandTiles : EachElement<ExpandTiles> {
    GeneratorTable table;
    const float* parameters;
    const float* codes;  // L x d
    float* out;
    int64_t total;
    int width, hidden;  // d, H

    HYPERPRED_BOTH int64_t count() const { return total; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int which = table.byTileHidden(index);
        const GeneratorLayer& layer = table.layers[which];
        const int64_t at = index - layer.tileHidden;
        const int h = int(at % hidden), position = int(at / hidden % layer.window);
        const int64_t tile = at / hidden / layer.window, row = int64_t(h) * layer.window + position;
        const float* weight = parameters + layer.expandWeight + row * width;
        const float* embedding = parameters + layer.embedding + tile * width;
        const float* code = codes + int64_t(which) * width;
        double sum = double(parameters[layer.expandBias + row]);
        for (int i = 0; i < width; ++i) sum += double(weight[i]) * (double(code[i]) + double(embedding[i]));
        out[index] = float(gelu(sum));
    }
};

// n = GELU(Wm m + bm), laid out as m.
struct MixTiles : EachElement<MixTiles> {
    GeneratorTable table;
    const float* parameters;
    const float* in;
    float* out;
    int64_t total;
    int hidden;

    HYPERPRED_BOTH int64_t count() const { return total; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const GeneratorLayer& layer = table.layers[table.byTileHidden(index)];
        const int h = int((index - layer.tileHidden) % hidden);
        const float* m = in + (index - h);
        const float* weight = parameters + layer.mixWeight + int64_t(h) * hidden;
        double sum = double(parameters[layer.mixBias + h]);
        for (int i = 0; i < hidden; ++i) sum += double(weight[i]) * double(m[i]);
        out[index] = float(gelu(sum));
    }
};

// The kernels from their tiles, cut to O x I (or each tile T x T channels of a depthwise one), to He variance and with
// the gains.
struct PureKernels : EachElement<PureKernels> {
    GeneratorTable table;
    const float* parameters;
    const float* mixed;  // n
    const float* gains;  // first products
    float* kernels;
    int64_t total;
    int hidden, tile;  // H, T

    HYPERPRED_BOTH int64_t count() const { return total; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const GeneratorLayer& layer = table.byKernel(index);
        const int64_t row = int64_t(layer.inputs) * layer.window;
        const int64_t o = (index - layer.kernel) / row, j = (index - layer.kernel) % row;
        const int64_t i = j / layer.window, position = j % layer.window, square = int64_t(tile) * tile;
        const int64_t which = layer.depthwise ? o / square : o / tile * layer.inTiles + i / tile;
        const int64_t entry = layer.depthwise ? o % square : o % tile * tile + i % tile;
        const float* n = mixed + layer.tileHidden + (which * layer.window + position) * hidden;
        const float* weight = parameters + layer.tileWeight + entry * hidden;
        double sum = double(parameters[layer.tileBias + entry]);
        for (int h = 0; h < hidden; ++h) sum += double(weight[h]) * double(n[h]);
        kernels[index] = float(sum * sqrt(2.0 / double(row)) * (1 + double(gains[layer.gainOf(j)])));
    }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
