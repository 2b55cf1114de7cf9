// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/plain_loops.hpp"

namespace cv {
namespace hyperpred {
namespace reference {

namespace {

using Image = std::vector<float>;  // one image's activation, C x H x W

size_t planeSize(const Shape& shape) {
    return size_t(shape.height) * size_t(shape.width);
}

Image normalised(const Architecture& architecture, const ImageBatch& images, int n) {
    const size_t plane = size_t(images.size) * size_t(images.size);
    const uint8_t* bgr = images.pixels + size_t(n) * plane * 3;
    Image image(3 * plane);
    for (size_t c = 0; c < 3; ++c) {
        for (size_t i = 0; i < plane; ++i) {
            const double byte = bgr[3 * i + 2 - c];
            image[c * plane + i] = float((byte - double(architecture.mean[c])) / double(architecture.deviation[c]));
        }
    }
    return image;
}

// `reduce` gets the values of each window; padding takes no part.
template <class Reduce>
Image pool(const Image& input, const Shape& in, const Node& node, const Reduce& reduce) {
    const Shape& out = node.shape;
    Image result;
    for (int c = 0; c < out.channels; ++c) {
        for (int y = 0; y < out.height; ++y) {
            for (int x = 0; x < out.width; ++x) {
                std::vector<float> window;
                for (int ky = 0; ky < node.kernel; ++ky) {
                    for (int kx = 0; kx < node.kernel; ++kx) {
                        const int row = y * node.stride - node.pad + ky, column = x * node.stride - node.pad + kx;
                        if (row < 0 || row >= in.height || column < 0 || column >= in.width) continue;
                        window.push_back(
                            input[(size_t(c) * size_t(in.height) + size_t(row)) * size_t(in.width) + size_t(column)]);
                    }
                }
                result.push_back(reduce(window));
            }
        }
    }
    return result;
}

float meanOf(const float* values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += double(values[i]);
    return float(sum / double(count));
}

Image spatialMean(const Image& input, const Shape& in) {
    Image means;
    for (size_t c = 0; c < size_t(in.channels); ++c) {
        means.push_back(meanOf(input.data() + c * planeSize(in), planeSize(in)));
    }
    return means;
}

// A number a channel.
Image pooledMap(Image map, const Shape& shape, Pooling pooling) {
    if (pooling == Pooling::Mean) return spatialMean(map, shape);
    for (float& value : map) value *= value;
    Image pooled = spatialMean(map, shape);
    for (float& value : pooled) value = std::sqrt(value);
    return pooled;
}

Image applyBatchNorm(const NodeWeights& weights, const Image& input, const Shape& shape) {
    Image result(input.size());
    for (size_t i = 0; i < input.size(); ++i) {
        const size_t c = i / planeSize(shape);
        const double scale =
            double(weights.gamma[c]) / std::sqrt(double(weights.variance[c]) + double(kBatchNormEpsilon));
        result[i] = float((double(input[i]) - double(weights.mean[c])) * scale + double(weights.beta[c]));
    }
    return result;
}

Image applyNode(const Architecture& architecture, const Node& node, const NodeWeights& weights,
                const std::vector<const Image*>& inputs) {
    const Image& x = *inputs[0];
    const Shape in = inputShape(architecture, node);
    Image result;
    switch (node.op) {
        case Op::Conv: return convolve(x, in, weights.kernel, node.stride, node.pad, node.shape);
        case Op::BatchNorm: return applyBatchNorm(weights, x, in);
        case Op::Relu:
            for (const float value : x) result.push_back(std::max(value, 0.f));
            return result;
        case Op::Add:
            for (size_t i = 0; i < x.size(); ++i) result.push_back(x[i] + (*inputs[1])[i]);
            return result;
        case Op::MaxPool:
            return pool(x, in, node, [](const std::vector<float>& w) { return *std::max_element(w.begin(), w.end()); });
        case Op::AvgPool:
            return pool(x, in, node, [](const std::vector<float>& w) { return meanOf(w.data(), w.size()); });
        case Op::GlobalPool: return spatialMean(x, in);
    }
    return result;
}

// Mean and population variance of each channel over all images, two passes so that nothing cancels.
void measure(NodeWeights& weights, const std::vector<Image>& batch, const Shape& shape) {
    const size_t channels = size_t(shape.channels), plane = planeSize(shape);
    const double count = double(batch.size() * plane);
    weights.mean.resize(channels);
    weights.variance.resize(channels);
    for (size_t c = 0; c < channels; ++c) {
        double sum = 0, squares = 0;
        for (const Image& image : batch) {
            for (size_t i = c * plane; i < (c + 1) * plane; ++i) sum += double(image[i]);
        }
        const double mean = sum / count;
        for (const Image& image : batch) {
            for (size_t i = c * plane; i < (c + 1) * plane; ++i) {
                squares += (double(image[i]) - mean) * (double(image[i]) - mean);
            }
        }
        weights.mean[c] = float(mean);
        weights.variance[c] = float(squares / count);
    }
}

// Index of the last node that reads each node, so that a breadth-first pass can let go of it.
std::vector<size_t> lastReaders(const Architecture& architecture) {
    std::vector<size_t> last(architecture.nodes.size(), 0);
    for (size_t i = 0; i < last.size(); ++i) {
        for (const int input : architecture.nodes[i].inputs) {
            if (input != kImageInput) last[size_t(input)] = i;
        }
    }
    return last;
}

}  // namespace

std::vector<float> convolve(const std::vector<float>& input, const Shape& in, const Tensor& kernel, int stride, int pad,
                            const Shape& out) {
    const int edge = int(kernel.shape[2]), inputs = int(kernel.shape[1]);
    const bool depthwise = inputs < in.channels;
    std::vector<float> result;
    std::vector<double> sums(planeSize(out));
    const float* weight = kernel.values.data();
    for (int o = 0; o < out.channels; ++o) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int i = 0; i < inputs; ++i) {
            const int channel = depthwise ? o : i;
            for (int k = 0; k < edge * edge; ++k, ++weight) {
                for (int y = 0; y < out.height; ++y) {
                    const int row = y * stride - pad + k / edge;
                    if (row < 0 || row >= in.height) continue;
                    const size_t line = size_t(channel) * size_t(in.height) + size_t(row);
                    const float* source = input.data() + line * size_t(in.width);
                    for (int x = 0; x < out.width; ++x) {
                        const int column = x * stride - pad + k % edge;
                        if (column < 0 || column >= in.width) continue;
                        sums[size_t(y) * size_t(out.width) + size_t(x)] += double(*weight) * double(source[column]);
                    }
                }
            }
        }
        for (const double sum : sums) result.push_back(float(sum));
    }
    return result;
}

void calibrate(const Architecture& architecture, NetworkWeights& weights, const ImageBatch& sample,
               const std::vector<int>& chosen, const std::function<void(double)>& progress) {
    const std::vector<size_t> last = lastReaders(architecture);
    std::vector<std::vector<Image>> held(architecture.nodes.size());
    std::vector<Image> image;
    for (const int n : chosen) image.push_back(normalised(architecture, sample, n));
    for (size_t i = 0; i < held.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const auto input = [&](int index) -> const std::vector<Image>& {
            return index == kImageInput ? image : held[size_t(index)];
        };
        if (node.op == Op::BatchNorm) measure(weights[i], input(node.inputs[0]), inputShape(architecture, node));
        for (size_t n = 0; n < chosen.size(); ++n) {
            std::vector<const Image*> inputs;
            for (const int index : node.inputs) inputs.push_back(&input(index)[n]);
            held[i].push_back(applyNode(architecture, node, weights[i], inputs));
        }
        for (const int index : node.inputs) {
            if (index != kImageInput && last[size_t(index)] == i) std::vector<Image>().swap(held[size_t(index)]);
        }
        if (progress) progress(double(i + 1) / double(held.size()));
    }
}

void features(const Architecture& architecture, const NetworkWeights& weights, const ImageBatch& images,
              const FeatureChoice& choice, float* out) {
    const size_t nodes = size_t(architecture.stages[size_t(choice.stages.back()) - 1]) + 1;
    for (int n = 0; n < images.count; ++n) {
        const Image image = normalised(architecture, images, n);
        std::vector<Image> held(nodes);
        for (size_t i = 0; i < nodes; ++i) {
            std::vector<const Image*> inputs;
            for (const int index : architecture.nodes[i].inputs) {
                inputs.push_back(index == kImageInput ? &image : &held[size_t(index)]);
            }
            held[i] = applyNode(architecture, architecture.nodes[i], weights[i], inputs);
        }
        for (const int stage : choice.stages) {
            const size_t node = size_t(architecture.stages[size_t(stage) - 1]);
            const Image pooled = pooledMap(held[node], architecture.nodes[node].shape, choice.pooling);
            out = std::copy(pooled.begin(), pooled.end(), out);
        }
    }
}

}  // namespace reference
}  // namespace hyperpred
}  // namespace cv
