// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_MATRIX_HPP
#define HYPERPRED_CPU_MATRIX_HPP

#include <vector>

#include "cpu/workers.hpp"
#include "model_file.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

// c (rows x columns) = a (rows x depth) b (depth x columns), each element a float sum in the order of depth.
void multiply(const float* a, int rows, int depth, const float* b, int columns, float* c, const Workers& workers);

// sum += X^T X, `count` x `columns` features: float sums within blocks of 256 rows, doubles across.
void addGram(const float* features, int count, int columns, double* sum, const Workers& workers);

// y = W x + b for rows first .. end - 1 of W; `bias` may be an empty tensor.
void linearRows(const Tensor& weight, const Tensor& bias, const float* x, int first, int end, float* y);
std::vector<float> linear(const Tensor& weight, const Tensor& bias, const float* x);

float gelu(float x);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
