// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/maps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// Calls visit(pixels, out) for every output pixel with the input pixels under its window.
template <class Visit>
void forEachWindow(const float* in, const Shape& shape, int images, const Node& node, float* out, const Visit& visit) {
    const size_t channels = size_t(shape.channels);
    std::vector<const float*> pixels;
    for (int n = 0; n < images; ++n, in += size_t(shape.height) * size_t(shape.width) * channels) {
        for (int y = 0; y < node.shape.height; ++y) {
            const int top = y * node.stride - node.pad;
            for (int x = 0; x < node.shape.width; ++x, out += channels) {
                const int left = x * node.stride - node.pad;
                pixels.clear();
                for (int row = std::max(0, top); row < std::min(shape.height, top + node.kernel); ++row) {
                    for (int column = std::max(0, left); column < std::min(shape.width, left + node.kernel); ++column) {
                        pixels.push_back(in + (size_t(row) * size_t(shape.width) + size_t(column)) * channels);
                    }
                }
                visit(pixels, out);
            }
        }
    }
}

}  // namespace

void normalise(const Architecture& architecture, const uint8_t* bgr, int images, float* out) {
    float table[3][256];
    for (int c = 0; c < 3; ++c) {
        for (int byte = 0; byte < 256; ++byte) {
            table[c][byte] = float((byte - double(architecture.mean[c])) / double(architecture.deviation[c]));
        }
    }
    const size_t pixels = size_t(images) * size_t(architecture.size) * size_t(architecture.size);
    for (size_t i = 0; i < pixels; ++i, bgr += 3, out += 3) {
        out[0] = table[0][bgr[2]];
        out[1] = table[1][bgr[1]];
        out[2] = table[2][bgr[0]];
    }
}

void maxPool(const float* in, const Shape& shape, int images, const Node& pool, const float* signs, float* out) {
    forEachWindow(in, shape, images, pool, out, [&](const std::vector<const float*>& pixels, float* to) {
        kernels().greatest(pixels.data(), int(pixels.size()), shape.channels, signs, to);
    });
}

void avgPool(const float* in, const Shape& shape, int images, const Node& pool, float* out) {
    forEachWindow(in, shape, images, pool, out, [&](const std::vector<const float*>& pixels, float* to) {
        kernels().mean(pixels.data(), int(pixels.size()), shape.channels, to);
    });
}

void spatialMean(const float* in, const Shape& shape, int images, float* out, size_t stride) {
    const size_t channels = size_t(shape.channels), map = size_t(shape.height) * size_t(shape.width);
    std::vector<const float*> pixels(map);
    for (int n = 0; n < images; ++n, in += map * channels, out += stride) {
        for (size_t i = 0; i < map; ++i) pixels[i] = in + i * channels;
        kernels().mean(pixels.data(), int(map), shape.channels, out);
    }
}

void spatialRms(const float* in, const Shape& shape, int images, float* out, size_t stride) {
    const size_t channels = size_t(shape.channels), map = size_t(shape.height) * size_t(shape.width);
    std::vector<float> squares(channels);  // sums of squared deviations
    for (int n = 0; n < images; ++n, in += map * channels, out += stride) {
        kernels().measure(in, map, shape.channels, out, squares.data());
        for (size_t c = 0; c < channels; ++c) out[c] = std::sqrt(out[c] * out[c] + squares[c] / float(map));
    }
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
