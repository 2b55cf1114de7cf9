// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/matrix.hpp"

#include <algorithm>
#include <cmath>

#include "cpu/buffer.hpp"
#include "cpu/kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

const int kGramRows = 256;

// Columns first .. first + columns - 1 of b (depth x width), with zeros up to a panel.
void packPanel(const float* b, int depth, int width, int first, int columns, float* packed) {
    const int panel = kernels().panel;
    for (int k = 0; k < depth; ++k, packed += panel) {
        const float* from = b + size_t(k) * size_t(width) + first;
        std::copy(from, from + columns, packed);
        std::fill(packed + columns, packed + panel, 0.f);
    }
}

// All rows of a times one packed panel.
void multiplyRows(const float* a, int rows, int depth, const float* packed, int columns, float* c, size_t stride) {
    const int most = kernels().rows, blocks = (rows + most - 1) / most, tap = 0;
    const float* runs[kMostRows];
    float* out[kMostRows];
    PanelTask task;
    task.runs = runs;
    task.runCount = 1;
    task.runLength = depth;
    task.taps = &tap;
    task.weights = packed;
    task.out = out;
    task.columns = columns;
    for (int block = 0; block < blocks; ++block) {
        const int first = int(int64_t(block) * rows / blocks);
        task.rows = int(int64_t(block + 1) * rows / blocks) - first;
        for (int m = 0; m < task.rows; ++m) {
            runs[m] = a + size_t(first + m) * size_t(depth);
            out[m] = c + size_t(first + m) * stride;
        }
        kernels().multiplyPanel(task);
    }
}

}  // namespace

void multiply(const float* a, int rows, int depth, const float* b, int columns, float* c, const Workers& workers) {
    const int panel = kernels().panel;
    workers.forEach((columns + panel - 1) / panel, [&](int p, int) {
        const int first = p * panel, count = std::min(panel, columns - first);
        Buffer packed(size_t(depth) * size_t(panel));
        packPanel(b, depth, columns, first, count, packed.data());
        multiplyRows(a, rows, depth, packed.data(), count, c + first, size_t(columns));
    });
}

void addGram(const float* features, int count, int columns, double* sum, const Workers& workers) {
    const size_t p = size_t(columns), panel = size_t(kernels().panel);
    Buffer transposed(p * kGramRows);
    for (int first = 0; first < count; first += kGramRows, features += p * kGramRows) {
        const int rows = std::min(kGramRows, count - first);
        for (size_t i = 0; i < p; ++i) {
            for (size_t n = 0; n < size_t(rows); ++n) transposed.data()[i * size_t(rows) + n] = features[n * p + i];
        }
        workers.forEach(int((p + panel - 1) / panel), [&](int index, int) {
            const size_t column = size_t(index) * panel, width = std::min(panel, p - column);
            Buffer packed(size_t(rows) * panel), product(p * width);
            packPanel(features, rows, columns, int(column), int(width), packed.data());
            multiplyRows(transposed.data(), columns, rows, packed.data(), int(width), product.data(), width);
            for (size_t i = 0; i < p; ++i) {
                double* to = sum + i * p + column;
                for (size_t j = 0; j < width; ++j) to[j] += double(product.data()[i * width + j]);
            }
        });
    }
}

void linearRows(const Tensor& weight, const Tensor& bias, const float* x, int first, int end, float* y) {
    const size_t in = size_t(weight.shape[1]);
    for (int row = first; row < end; ++row) {
        const float product = kernels().dot(weight.values.data() + size_t(row) * in, x, int(in));
        y[row] = bias.values.empty() ? product : product + bias.values[size_t(row)];
    }
}

std::vector<float> linear(const Tensor& weight, const Tensor& bias, const float* x) {
    std::vector<float> y(static_cast<size_t>(weight.shape[0]));
    linearRows(weight, bias, x, 0, int(y.size()), y.data());
    return y;
}

float gelu(float x) {
    return 0.5f * x * (1 + std::erf(x * 0.70710678f));
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
