// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_ENCODE_KERNELS_HPP
#define HYPERPRED_CUDA_ENCODE_KERNELS_HPP

#include <cmath>

#include "cuda/kernel.hpp"
#include "sketch.hpp"

// Image bytes -> the numbers that the sketch pools (doc/model.md, "Sketch").

namespace cv {
namespace hyperpred {
namespace cuda {

const int kPlane = kSketchSize * kSketchSize;

// Input pixels under output pixel `index` of an area resampling from `size` to kSketchSize.
struct Span {
    HYPERPRED_BOTH Span(int index, int size)
        : begin(index * size / kSketchSize),
          end(((index + 1) * size + kSketchSize - 1) / kSketchSize),
          step(double(size) / kSketchSize),
          from(index * step),
          to((index + 1) * step) {}
    HYPERPRED_BOTH double share(int input) const {
        const double first = from > input ? from : double(input), last = to < input + 1.0 ? to : input + 1.0;
        return (last - first) / step;
    }
    int begin, end;
    double step, from, to;
};

// BGR bytes, N x size x size x 3 -> RGB planes in 0..1, N x 3 x 32 x 32.
struct SketchPlanes : EachElement<SketchPlanes> {
    const uint8_t* bgr;
    float* planes;
    int size;
    int64_t images;

    HYPERPRED_BOTH int64_t count() const { return images * kPlane; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int64_t image = index / kPlane;
        const int pixel = int(index % kPlane);
        const Span rows(pixel / kSketchSize, size), columns(pixel % kSketchSize, size);
        const uint8_t* source = bgr + image * size * size * 3;
        double sum[3] = {0, 0, 0};
        for (int y = rows.begin; y < rows.end; ++y) {
            for (int x = columns.begin; x < columns.end; ++x) {
                const double weight = rows.share(y) * columns.share(x);
                for (int c = 0; c < 3; ++c) sum[c] += weight * source[(y * size + x) * 3 + 2 - c];
            }
        }
        for (int c = 0; c < 3; ++c) planes[(image * 3 + c) * kPlane + pixel] = float(sum[c] / 255);
    }
};

// Planes -> the `conv` encoder's input, N x 32 x 32 x kLane: 2 (x - 0.5), zeros above RGB.
struct EncoderInput : EachElement<EncoderInput> {
    const float* planes;
    float* out;
    int64_t images;

    HYPERPRED_BOTH int64_t count() const { return images * kPlane; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const float* pixel = planes + index / kPlane * 3 * kPlane + index % kPlane;
        Lanes<float> lanes;
        for (int c = 0; c < kLane; ++c) lanes.values[c] = c < 3 ? 2 * (pixel[c * kPlane] - 0.5f) : 0.f;
        reinterpret_cast<Lanes<float>*>(out)[index] = lanes;
    }
};

// The `stats` features of one image a block. Two rounds: sums of the planes, then of their squares and cubes about the
// mean. Each thread adds up its own pixels, then one thread a sum adds the threads up in their order.
struct ImageStatistics {
    static constexpr int kThreads = 128;
    static constexpr int kPhases = 5;
    static constexpr int kFirstSums = 17, kSecondSums = 8;

    // Order of the first sums: colour and luminance, gradients across and down, bands, parts, diagonal.
    enum First {
        Red,
        Green,
        Blue,
        Lum,
        Across,
        Down = Across + 3,
        Band = Down + 3,
        Upper = Band + 3,
        Left,
        Centre,
        Cross
    };
    // And of the second: variances of R, G, B, covariances RG, RB, GB, luminance squared and cubed.
    enum Second { Variance, Covariance = 3, LumSquare = 6, LumCube };
    struct Shared {
        double partial[kFirstSums][kThreads];
        double total[kFirstSums + kSecondSums];
    };

    const float* planes;  // N x 3 x 32 x 32
    float* out;           // N x kStatsFeatures
    int64_t images;

    HYPERPRED_BOTH int64_t blocks() const { return images; }
    HYPERPRED_BOTH void phase(int number, int64_t block, int thread, Shared& shared) const {
        const float* image = planes + block * 3 * kPlane;
        switch (number) {
            case 0: sumFirst(image, thread, shared); break;
            case 1: addUp(thread, kFirstSums, shared, shared.total); break;
            case 2: sumSecond(image, thread, shared); break;
            case 3: addUp(thread, kSecondSums, shared, shared.total + kFirstSums); break;
            default:
                if (thread == 0) write(shared.total, shared.total + kFirstSums, out + block * kStatsFeatures);
        }
    }

private:
    HYPERPRED_BOTH static double lum(const float* image, int pixel) {
        return 0.299 * double(image[pixel]) + 0.587 * double(image[kPlane + pixel]) +
               0.114 * double(image[2 * kPlane + pixel]);
    }
    // Mean luminance of the 2^level x 2^level square at (row, column) of the pyramid's level.
    HYPERPRED_BOTH static double pyramid(const float* image, int level, int row, int column) {
        const int edge = 1 << level;
        double sum = 0;
        for (int y = 0; y < edge; ++y) {
            for (int x = 0; x < edge; ++x) sum += lum(image, (row * edge + y) * kSketchSize + column * edge + x);
        }
        return sum / (edge * edge);
    }
    HYPERPRED_BOTH static double absolute(double value) { return value < 0 ? -value : value; }

    HYPERPRED_BOTH static void addUp(int thread, int sums, const Shared& shared, double* total) {
        if (thread >= sums) return;
        double all = 0;
        for (int t = 0; t < kThreads; ++t) all += shared.partial[thread][t];
        total[thread] = all;
    }

    HYPERPRED_BOTH static void sumFirst(const float* image, int thread, Shared& shared) {
        double sums[kFirstSums];
        for (int k = 0; k < kFirstSums; ++k) sums[k] = 0;
        for (int pixel = thread; pixel < kPlane; pixel += kThreads) addPixel(image, pixel, sums);
        for (int k = 0; k < kFirstSums; ++k) shared.partial[k][thread] = sums[k];
    }

    HYPERPRED_BOTH static void addPixel(const float* image, int pixel, double* sums) {
        const int row = pixel / kSketchSize, column = pixel % kSketchSize;
        const bool last = column + 1 == kSketchSize, bottom = row + 1 == kSketchSize;
        for (int c = 0; c < 3; ++c) {
            const float* plane = image + c * kPlane;
            const double value = double(plane[pixel]);
            sums[Red + c] += value;
            if (!last) sums[Across + c] += absolute(double(plane[pixel + 1]) - value);
            if (!bottom) sums[Down + c] += absolute(double(plane[pixel + kSketchSize]) - value);
        }
        const double light = lum(image, pixel);
        sums[Lum] += light;
        const int half = kSketchSize / 2, quarter = kSketchSize / 4;
        if (row < half) sums[Upper] += light;
        if (column < half) sums[Left] += light;
        if (row >= quarter && row < kSketchSize - quarter && column >= quarter && column < kSketchSize - quarter) {
            sums[Centre] += light;
        }
        if (!last && !bottom) {
            sums[Cross] += (lum(image, pixel + 1) - light) * (lum(image, pixel + kSketchSize) - light);
        }
        for (int band = 0; band < 3; ++band) {
            const int edge = kSketchSize >> band;
            if (pixel >= edge * edge) continue;
            const int y = pixel / edge, x = pixel % edge;
            sums[Band + band] += absolute(pyramid(image, band, y, x) - pyramid(image, band + 1, y / 2, x / 2));
        }
    }

    HYPERPRED_BOTH static void sumSecond(const float* image, int thread, Shared& shared) {
        double sums[kSecondSums];
        for (int k = 0; k < kSecondSums; ++k) sums[k] = 0;
        for (int pixel = thread; pixel < kPlane; pixel += kThreads) {
            double off[3];
            for (int c = 0; c < 3; ++c) off[c] = double(image[c * kPlane + pixel]) - shared.total[Red + c] / kPlane;
            for (int c = 0; c < 3; ++c) sums[Variance + c] += off[c] * off[c];
            sums[Covariance] += off[0] * off[1];
            sums[Covariance + 1] += off[0] * off[2];
            sums[Covariance + 2] += off[1] * off[2];
            const double light = lum(image, pixel) - shared.total[Lum] / kPlane;
            sums[LumSquare] += light * light;
            sums[LumCube] += light * light * light;
        }
        for (int k = 0; k < kSecondSums; ++k) shared.partial[k][thread] = sums[k];
    }

    HYPERPRED_BOTH static double deviation(double variance) { return sqrt(variance + 1e-8); }

    HYPERPRED_BOTH static void write(const double* first, const double* second, float* to) {
        const int half = kPlane / 2, inner = kPlane / 4, line = kSketchSize * (kSketchSize - 1);
        for (int c = 0; c < 3; ++c) {
            to[c] = float(first[Red + c] / kPlane);
            to[3 + c] = float(deviation(second[Variance + c] / kPlane));
            to[6 + c] = float(4 * second[Covariance + c] / kPlane);
            to[9 + c] = float(first[Across + c] / line);
            to[12 + c] = float(first[Down + c] / line);
            to[15 + c] = float(first[Band + c] / (kPlane >> (2 * c)));
        }
        const double all = first[Lum];
        to[18] = float((first[Upper] - (all - first[Upper])) / half);
        to[19] = float((first[Left] - (all - first[Left])) / half);
        to[20] = float(first[Centre] / inner - all / kPlane);
        to[21] = float(16 * first[Cross] / ((kSketchSize - 1) * (kSketchSize - 1)));
        const double variance = second[LumSquare] / kPlane;
        to[22] = float(second[LumCube] / kPlane / pow(variance + 1e-4, 1.5));
        to[23] = float(deviation(variance));
    }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
