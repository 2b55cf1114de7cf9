// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_MAP_KERNELS_HPP
#define HYPERPRED_CUDA_MAP_KERNELS_HPP

#include <cmath>

#include "cuda/kernel.hpp"

// What happens to activations beside the convolutions. T: float or Half. Arithmetic is in float, sums in double.

namespace cv {
namespace hyperpred {
namespace cuda {

// Extents of N x H x W x C activations; C is padded.
struct MapShape {
    int channels = 0, height = 0, width = 0;

    HYPERPRED_BOTH int64_t pixels() const { return int64_t(height) * width; }
    HYPERPRED_BOTH int64_t elements() const { return pixels() * channels; }
};

// Of which image, pixel and kLane channels the element `index` of N x H x W x (C / kLane) is.
struct LanePlace {
    HYPERPRED_BOTH LanePlace(int64_t index, const MapShape& map)
        : groups(map.channels / kLane), group(int(index % groups)) {
        const int64_t pixel = index / groups;
        x = int(pixel % map.width);
        y = int(pixel / map.width % map.height);
        image = pixel / map.pixels();
    }
    int groups, group;  // of the channels
    int x, y;
    int64_t image;
};

// BGR bytes -> normalised RGB and five channels of zeros.
template <class T>
struct Normalise : EachElement<Normalise<T>> {
    const uint8_t* bgr;  // pixels x 3
    T* out;              // pixels x kLane
    int64_t pixels;
    float mean[3], deviation[3];  // RGB, in 0..255 units

    HYPERPRED_BOTH int64_t count() const { return pixels; }
    HYPERPRED_BOTH void element(int64_t pixel) const {
        Lanes<T> lanes;
        for (int c = 0; c < kLane; ++c) {
            float value = 0.f;
            if (c < 3) value = (float(bgr[3 * pixel + 2 - c]) - mean[c]) / deviation[c];
            store(value, lanes.values[c]);
        }
        reinterpret_cast<Lanes<T>*>(out)[pixel] = lanes;
    }
};

// y = relu(scale x + shift + other), each part only where it is given. Works in place. A NaN stays one.
template <class T>
struct Finish : EachElement<Finish<T>> {
    T* values;           // pixels x channels
    const float* scale;  // channels, or null
    const float* shift;  // channels, or null
    const T* other;      // as values, or null
    int relu;
    int channels;
    int64_t pixels;

    HYPERPRED_BOTH int64_t count() const { return pixels * (channels / kLane); }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int first = int(index % (channels / kLane)) * kLane;
        Lanes<T> lanes = reinterpret_cast<const Lanes<T>*>(values)[index];
        Lanes<T> more = lanes;
        if (other) more = reinterpret_cast<const Lanes<T>*>(other)[index];
        for (int c = 0; c < kLane; ++c) {
            float value = load(lanes.values[c]);
            if (scale) value *= scale[first + c];
            if (shift) value += shift[first + c];
            if (other) value += load(more.values[c]);
            if (relu && value < 0.f) value = 0.f;
            store(value, lanes.values[c]);
        }
        reinterpret_cast<Lanes<T>*>(values)[index] = lanes;
    }
};

// Greatest value or mean of each window; what lies outside the map takes no part. A NaN stays one: it tells of an
// overflow before.
template <class T>
struct Pool : EachElement<Pool<T>> {
    const T* in;
    T* out;
    MapShape from, to;  // channels are equal
    int kernel, stride, pad;
    int greatest;
    int64_t images;

    HYPERPRED_BOTH int64_t count() const { return images * to.elements() / kLane; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const LanePlace at(index, to);
        const Lanes<T>* source =
            reinterpret_cast<const Lanes<T>*>(in) + at.image * from.pixels() * at.groups + at.group;
        float result[kLane];
        for (int c = 0; c < kLane; ++c) result[c] = greatest ? -INFINITY : 0.f;
        int seen = 0;
        for (int ky = 0; ky < kernel; ++ky) {
            for (int kx = 0; kx < kernel; ++kx) {
                const int row = at.y * stride - pad + ky, column = at.x * stride - pad + kx;
                if (row < 0 || row >= from.height || column < 0 || column >= from.width) continue;
                const Lanes<T> lanes = source[(int64_t(row) * from.width + column) * at.groups];
                for (int c = 0; c < kLane; ++c) {
                    const float value = load(lanes.values[c]);
                    const bool wins = value > result[c] || value != value;
                    result[c] = !greatest ? result[c] + value : wins ? value : result[c];
                }
                ++seen;
            }
        }
        Lanes<T> lanes;
        for (int c = 0; c < kLane; ++c) store(greatest ? result[c] : result[c] / float(seen), lanes.values[c]);
        reinterpret_cast<Lanes<T>*>(out)[index] = lanes;
    }
};

// Mean over space of each channel, or the square root of its mean square. `out` holds To: an activation of one pixel,
// or rows of features.
template <class T, class To>
struct SpatialMean : EachElement<SpatialMean<T, To>> {
    const T* in;
    To* out;  // row n at out + n x stride
    MapShape from;
    int channels;    // how many are wanted
    int64_t stride;  // elements
    int64_t images;
    bool rms;

    HYPERPRED_BOTH int64_t count() const { return images * channels; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int64_t image = index / channels;
        const int c = int(index % channels);
        const T* source = in + image * from.elements() + c;
        double sum = 0;
        for (int64_t pixel = 0; pixel < from.pixels(); ++pixel) {
            const double value = double(load(source[pixel * from.channels]));
            sum += rms ? value * value : value;
        }
        const double mean = sum / double(from.pixels());
        store(float(rms ? sqrt(mean) : mean), out[image * stride + c]);
    }
};

// Any convolution, one thread a pixel and kLane output channels. For shapes that cuDNN does not take, and on machines
// without cuDNN.
template <class T>
struct DirectConvolution : EachElement<DirectConvolution<T>> {
    const T* in;
    const T* kernel;  // O x k x k x I, padded as the maps are
    T* out;
    MapShape from, to;
    int edge, stride, pad;
    int64_t images;

    HYPERPRED_BOTH int64_t count() const { return images * to.elements() / kLane; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const LanePlace at(index, to);
        const int first = at.group * kLane;
        const T* image = in + at.image * from.elements();
        const int64_t filter = int64_t(edge) * edge * from.channels;
        float sum[kLane];
        for (int c = 0; c < kLane; ++c) sum[c] = 0.f;
        for (int ky = 0; ky < edge; ++ky) {
            for (int kx = 0; kx < edge; ++kx) {
                const int row = at.y * stride - pad + ky, column = at.x * stride - pad + kx;
                if (row < 0 || row >= from.height || column < 0 || column >= from.width) continue;
                const T* source = image + (int64_t(row) * from.width + column) * from.channels;
                const T* weight = kernel + first * filter + int64_t(ky * edge + kx) * from.channels;
                for (int i = 0; i < from.channels; ++i) {
                    const float value = load(source[i]);
                    for (int c = 0; c < kLane; ++c) sum[c] += value * load(weight[c * filter + i]);
                }
            }
        }
        Lanes<T> lanes;
        for (int c = 0; c < kLane; ++c) store(sum[c], lanes.values[c]);
        reinterpret_cast<Lanes<T>*>(out)[index] = lanes;
    }
};

// A depthwise convolution with all that follows it, out = relu(convolution + shift + other), each only where it is
// given: memory is what it costs, so a launch of its own for the rest would double that.
template <class T>
struct DepthwiseConvolution : EachElement<DepthwiseConvolution<T>> {
    const T* in;
    const T* kernel;  // k x k x C, padded as the maps are
    T* out;
    const float* shift;  // channels, or null
    const T* other;      // as out, or null
    int relu;
    MapShape from, to;  // channels are equal
    int edge, stride, pad;
    int64_t images;

    HYPERPRED_BOTH int64_t count() const { return images * to.elements() / kLane; }
    HYPERPRED_BOTH void element(int64_t index) const {
        const LanePlace at(index, to);
        const Lanes<T>* source =
            reinterpret_cast<const Lanes<T>*>(in) + at.image * from.pixels() * at.groups + at.group;
        const Lanes<T>* taps = reinterpret_cast<const Lanes<T>*>(kernel) + at.group;
        float sum[kLane];
        for (int c = 0; c < kLane; ++c) sum[c] = 0.f;
        for (int ky = 0; ky < edge; ++ky) {
            for (int kx = 0; kx < edge; ++kx) {
                const int row = at.y * stride - pad + ky, column = at.x * stride - pad + kx;
                if (row < 0 || row >= from.height || column < 0 || column >= from.width) continue;
                const Lanes<T> lanes = source[(int64_t(row) * from.width + column) * at.groups];
                const Lanes<T> weights = taps[int64_t(ky * edge + kx) * at.groups];
                for (int c = 0; c < kLane; ++c) sum[c] += load(lanes.values[c]) * load(weights.values[c]);
            }
        }
        Lanes<T> more{}, lanes;
        if (other) more = reinterpret_cast<const Lanes<T>*>(other)[index];
        for (int c = 0; c < kLane; ++c) {
            if (shift) sum[c] += shift[at.group * kLane + c];
            if (other) sum[c] += load(more.values[c]);
            store(relu && sum[c] < 0.f ? 0.f : sum[c], lanes.values[c]);  // a NaN stays one
        }
        reinterpret_cast<Lanes<T>*>(out)[index] = lanes;
    }
};

// A kernel C x 1 x k x k of floats -> k x k x C of T, padded with zeros; `scale` as below.
template <class T>
struct PackDepthwise : EachElement<PackDepthwise<T>> {
    const float* kernel;
    const float* scale;  // or null
    T* out;
    int channels, window;  // window: k x k

    HYPERPRED_BOTH int64_t count() const { return int64_t(window) * paddedChannels(channels); }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int c = int(index % paddedChannels(channels)), position = int(index / paddedChannels(channels));
        float value = 0.f;
        if (c < channels) value = kernel[int64_t(c) * window + position] * (scale ? scale[c] : 1.f);
        store(value, out[index]);
    }
};

// A kernel O x I x k x k of floats -> O x k x k x I of T, both channel counts padded with zeros; `scale` (one number an
// output channel) folds a batch-norm in.
template <class T>
struct PackKernel : EachElement<PackKernel<T>> {
    const float* kernel;
    const float* scale;  // or null
    T* out;
    int outputs, inputs, window;  // window: k x k

    HYPERPRED_BOTH int64_t count() const { return int64_t(paddedChannels(outputs)) * window * paddedChannels(inputs); }
    HYPERPRED_BOTH void element(int64_t index) const {
        const int padded = paddedChannels(inputs);
        const int i = int(index % padded), position = int(index / padded % window);
        const int o = int(index / padded / window);
        float value = 0.f;
        if (o < outputs && i < inputs) {
            value = kernel[(int64_t(o) * inputs + i) * window + position];
            if (scale) value *= scale[o];
        }
        store(value, out[index]);
    }
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
