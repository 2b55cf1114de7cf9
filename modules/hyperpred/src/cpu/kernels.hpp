// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_KERNELS_HPP
#define HYPERPRED_CPU_KERNELS_HPP

#include <cstddef>

namespace cv {
namespace hyperpred {
namespace cpu {

const int kMostRows = 14;  // of any instruction set
const int kWinogradTile = 6, kWinogradOutput = 4, kWinogradPositions = kWinogradTile * kWinogradTile;

// Every element of these results is a sum in one fixed order, whatever the rows it is computed with.

// out[m][first + j] = sum over runs r and k of runs[r * rows + m][k] * weights[(taps[r] * runLength + k) * panel + j],
// for one panel of output channels; then + bias[first + j], + other[m][first + j] and the greater of it and 0, each
// where asked for.
struct PanelTask {
    const float* const* runs = nullptr;
    int rows = 0;  // 1 .. Kernels::rows
    int runCount = 0, runLength = 0;
    const int* taps = nullptr;  // ascending
    const float* weights = nullptr;
    size_t first = 0;
    int columns = 0;  // 1 .. Kernels::panel: the rest of the panel is not written
    float* const* out = nullptr;
    const float* bias = nullptr;
    const float* const* other = nullptr;
    bool relu = false;
};

// One row of a depthwise convolution: out[x][c] = sum over taps (ky, kx) of pixels[ky * columns + x * stride + kx][c] *
// weights[(ky * kernel + kx) * channels + c]; then + bias[c], + other[x][c] and the greater of it and 0, each where
// asked for. A pixel in the padding is one of zeros.
struct DepthwiseTask {
    const float* const* pixels = nullptr;  // kernel rows of `columns` pixels, each a row of channels
    int columns = 0;                       // (width - 1) * stride + kernel
    int kernel = 1, stride = 1;
    int width = 0;  // pixels of the result
    int channels = 0;
    const float* weights = nullptr;
    const float* bias = nullptr;
    const float* other = nullptr;  // width x channels, as out
    bool relu = false;
    float* out = nullptr;
};

// y = scale x + shift (where scale is given), + other, max(y, 0), in place: pixels x channels.
struct FinishTask {
    float* values = nullptr;
    size_t pixels = 0;
    int channels = 0;
    const float* scale = nullptr;
    const float* shift = nullptr;
    const float* other = nullptr;
    bool relu = false;
};

// The loops in which the time goes, compiled once for each instruction set.
struct Kernels {
    const char* name;
    int lanes;  // floats of a register
    int panel;  // output channels of a panel: two registers
    int rows;   // most rows of a panel task
    void (*multiplyPanel)(const PanelTask& task);
    void (*depthwiseRow)(const DepthwiseTask& task);
    void (*finish)(const FinishTask& task);
    // Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, 2015). `pixels`: 36 pointers to channel rows, row by row; position i
    // of the result goes to out + i * stride. `channels`: a multiple of lanes.
    void (*winogradInput)(const float* const* pixels, int channels, float* out, size_t stride);
    // The inverse for one tile: result pixel (y, x) goes to pixels[4 y + x], where that is not null.
    void (*winogradOutput)(const float* in, size_t stride, int channels, const float* bias, const float* const* other,
                           bool relu, float* const* pixels);
    // The transformed kernels of one input channel and one panel of output channels. `taps`: 9 x panel; position i of
    // the result goes to out + i * stride.
    void (*winogradKernel)(const float* taps, float* out, size_t stride);
    // Mean and sum of squared deviations of each channel over a few pixels (pixels x channels).
    void (*measure)(const float* values, size_t pixels, int channels, float* mean, float* squares);
    // Over some pixels, each a row of channels: signs[c] max(signs[c] x) (signs may be null: all 1), and the mean.
    void (*greatest)(const float* const* pixels, int count, int channels, const float* signs, float* out);
    void (*mean)(const float* const* pixels, int count, int channels, float* out);
    float (*dot)(const float* a, const float* b, int count);
    // out[j] = base[j] gains[j] + sum over r of factors[r] rows[r * count + j].
    void (*addRows)(const float* base, const float* gains, const float* factors, const float* rows, int rowCount,
                    int count, float* out);
};

// The best for this processor.
const Kernels& kernels();

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
