// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_SMALL_NETS_HPP
#define HYPERPRED_TEST_SMALL_NETS_HPP

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#ifndef HYPERPRED_WITHOUT_OPENCV
#include <opencv2/core.hpp>
#endif

#include "architecture.hpp"
#include "net.hpp"

// Small networks of random weights with every kind of node, and their outputs by plain loops in double: what the
// tests of net, net_opencv and net_onnx compare with.

namespace cv {
namespace hyperpred {
namespace test {

using Json = nlohmann::json;
using Values = std::vector<double>;  // one image: channels x height x width

// Largest difference, as a share of the largest expected value where that exceeds 1.
inline double difference(const Values& found, const Values& expected) {
    if (found.size() != expected.size() || expected.empty()) return HUGE_VAL;
    double most = 0, scale = 1;
    for (size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return HUGE_VAL;
        most = std::max(most, std::abs(found[i] - expected[i]));
        scale = std::max(scale, std::abs(expected[i]));
    }
    return most / scale;
}

#ifndef HYPERPRED_WITHOUT_OPENCV
inline Values valuesOf(const cv::Mat& mat, int row) {
    const cv::Mat rows = mat.reshape(1, mat.size[0]);
    return Values(rows.ptr<float>(row), rows.ptr<float>(row) + rows.cols);
}
#endif

// ---- documents ----

class DocumentBuilder {
public:
    explicit DocumentBuilder(int size) : size_(size) {}

    std::string conv(const std::string& input, int out, int kernel, int stride, int pad) {
        return add(
            {{"op", "conv"}, {"input", input}, {"out", out}, {"kernel", kernel}, {"stride", stride}, {"pad", pad}});
    }
    std::string depthwise(const std::string& input, int channels, int kernel, int stride, int pad) {
        return add({{"op", "conv"},
                    {"input", input},
                    {"out", channels},
                    {"kernel", kernel},
                    {"stride", stride},
                    {"pad", pad},
                    {"groups", channels}});
    }
    std::string unary(const std::string& op, const std::string& input) { return add({{"op", op}, {"input", input}}); }
    std::string sum(const std::string& a, const std::string& b) { return add({{"op", "add"}, {"inputs", {a, b}}}); }
    std::string pool(const std::string& op, const std::string& input, int kernel, int stride, int pad) {
        Json layer = {{"op", op}, {"input", input}, {"kernel", kernel}, {"stride", stride}};
        if (pad > 0) layer["pad"] = pad;
        return add(layer);
    }
    std::string convNormRelu(const std::string& input, int out, int kernel, int stride, int pad) {
        return unary("relu", unary("batch_norm", conv(input, out, kernel, stride, pad)));
    }
    // A block as in ResNet; a shortcut convolution where stride or channels change.
    std::string residual(const std::string& input, int in, int out, int stride) {
        const std::string first = convNormRelu(input, out, 3, stride, 1);
        const std::string second = unary("batch_norm", conv(first, out, 3, 1, 1));
        const std::string shortcut =
            in == out && stride == 1 ? input : unary("batch_norm", conv(input, out, 1, stride, 0));
        return unary("relu", sum(second, shortcut));
    }
    // A block as in MobileNetV2: wider, depthwise, narrower and linear; with a shortcut where it fits.
    std::string inverted(const std::string& input, int in, int wide, int out, int kernel, int stride) {
        const std::string first = convNormRelu(input, wide, 1, 1, 0);
        const std::string deep = unary("relu", unary("batch_norm", depthwise(first, wide, kernel, stride, kernel / 2)));
        const std::string last = unary("batch_norm", conv(deep, out, 1, 1, 0));
        return in == out && stride == 1 ? sum(last, input) : last;
    }
    Architecture build(const std::vector<std::string>& stages) const {
        const Json document = {
            {"name", "small"},
            {"input", {{"size", size_}, {"channels", 3}, {"mean", {120.5, 110, 99}}, {"std", {60, 70.25, 55}}}},
            {"layers", layers_},
            {"stages", stages}};
        return parseArchitecture(document.dump(), "small.json");
    }

private:
    std::string add(Json layer) {
        const std::string name = "layer" + std::to_string(layers_.size());
        layer["name"] = name;
        layers_.push_back(layer);
        return name;
    }

    int size_;
    Json layers_ = Json::array();
};

// Every kind of node, odd sizes and channels, three stages; the last is a global_pool.
inline Architecture everyOp() {
    DocumentBuilder build(37);
    const std::string stem = build.convNormRelu("image", 5, 5, 2, 2);  // 5 x 19 x 19
    const std::string pooled = build.pool("max_pool", stem, 3, 2, 1);  // 10 x 10
    const std::string first = build.residual(pooled, 5, 5, 1);
    const std::string second = build.residual(first, 5, 7, 2);                       // 7 x 5 x 5
    const std::string average = build.pool("avg_pool", second, 2, 2, 0);             // 2 x 2
    const std::string bare = build.unary("relu", build.conv(average, 11, 2, 1, 1));  // 11 x 3 x 3, no batch-norm
    const std::string doubled = build.sum(bare, bare);
    return build.build({first, second, build.unary("global_pool", doubled)});
}

// Depthwise layers of every kind that kernels tell apart: windows of 1, 2, 3, 4 and 5, strides of 1, 2 and 3, channels
// that fill no register and some that do, maps down to 2 x 2; one on the image, one without batch-norm, one that is
// pooled, one with an addition and relu behind it.
inline Architecture depthwiseNet() {
    DocumentBuilder build(37);
    const std::string image = build.depthwise("image", 3, 3, 1, 1);
    const std::string stem = build.convNormRelu(image, 13, 3, 2, 1);                                 // 13 x 19 x 19
    const std::string pooled = build.pool("max_pool", build.depthwise(stem, 13, 5, 1, 2), 3, 2, 1);  // 10 x 10
    const std::string first = build.inverted(pooled, 13, 21, 13, 3, 1);
    const std::string second = build.inverted(first, 13, 35, 16, 3, 2);  // 5 x 5
    const std::string same = build.unary("batch_norm", build.depthwise(second, 16, 3, 1, 1));
    const std::string joined = build.unary("relu", build.sum(same, second));
    const std::string third = build.inverted(joined, 16, 67, 9, 5, 2);                       // 3 x 3
    const std::string even = build.unary("batch_norm", build.depthwise(third, 9, 4, 1, 2));  // 4 x 4
    const std::string bare = build.depthwise(even, 9, 2, 3, 1);                              // 2 x 2, no batch-norm
    const std::string last = build.unary("relu", build.unary("batch_norm", build.depthwise(bare, 9, 1, 1, 0)));
    return build.build({stem, joined, last});
}

// A random chain of blocks; every draw has at least one convolution and one to three stages.
inline Architecture randomArchitecture(unsigned seed) {
    std::mt19937 draw(seed);
    const auto below = [&](int n) { return int(draw() % unsigned(n)); };
    DocumentBuilder build(17 + below(20));
    int channels = 3 + below(9);
    std::string at = build.convNormRelu("image", channels, 3, 1 + below(2), 1);
    std::vector<std::string> stages;
    for (int stage = 0, count = 1 + below(3); stage < count; ++stage) {
        switch (below(5)) {
            case 0: at = build.pool("max_pool", at, 3, 1 + below(2), 1); break;
            case 1: at = build.pool("avg_pool", at, 2, 1, 0); break;
            case 2: at = build.unary("relu", build.conv(at, channels, 1, 1, 0)); break;
            case 3: at = build.unary("batch_norm", at); break;  // one that cannot be folded
            default: break;
        }
        const int out = below(2) ? channels : 3 + below(9);
        at = build.residual(at, channels, out, 1 + below(2));
        channels = out;
        stages.push_back(at);
    }
    return build.build(stages);
}

// ---- weights ----

inline std::vector<float> randomFloats(std::mt19937& draw, size_t count, double mean, double deviation) {
    std::normal_distribution<double> normal(mean, deviation);
    std::vector<float> values(count);
    for (float& value : values) value = float(normal(draw));
    return values;
}

inline NetworkWeights randomWeights(const Architecture& architecture, unsigned seed) {
    std::mt19937 draw(seed);
    NetworkWeights weights(architecture.nodes.size());
    for (size_t i = 0; i < weights.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const int in = node.op == Op::Conv ? kernelInputs(architecture, node) : node.shape.channels;
        if (node.op == Op::Conv) {
            weights[i].kernel.shape = {node.out, in, node.kernel, node.kernel};
            const int row = in * node.kernel * node.kernel;
            weights[i].kernel.values = randomFloats(draw, size_t(node.out) * size_t(row), 0, std::sqrt(2.0 / row));
        }
        if (node.op == Op::BatchNorm) {
            weights[i].gamma = randomFloats(draw, size_t(in), 1, 0.2);
            weights[i].beta = randomFloats(draw, size_t(in), 0.1, 0.2);
            weights[i].mean = randomFloats(draw, size_t(in), 0, 0.5);
            weights[i].variance = randomFloats(draw, size_t(in), 1.5, 0.1);
        }
    }
    return weights;
}

inline Head randomHead(HeadKind kind, int classes, int columns, unsigned seed) {
    std::mt19937 draw(seed);
    Head head;
    head.kind = kind;
    head.normalise = kind == HeadKind::Cosine;
    head.classes = classes;
    head.columns = columns;
    head.weight = randomFloats(draw, size_t(classes) * size_t(columns), 0, 2 / std::sqrt(double(columns)));
    head.bias = randomFloats(draw, size_t(classes), 0, 1);
    Familiarity& known = head.familiarity;
    known.white = randomFloats(draw, size_t(columns) * size_t(columns), 0, 1 / std::sqrt(double(columns)));
    known.whiteBias = randomFloats(draw, size_t(columns), 0, 1);
    known.means = randomFloats(draw, size_t(classes) * size_t(columns), 0, 1);
    known.logitScale = 0.7f;
    known.distanceScale = 0.11f;
    return head;
}

inline std::vector<int> allStages(const Architecture& architecture) {
    std::vector<int> stages;
    for (size_t i = 1; i <= architecture.stages.size(); ++i) stages.push_back(int(i));
    return stages;
}

inline NetGraph randomGraph(const Architecture& architecture, const std::vector<int>& stages, HeadKind kind,
                            unsigned seed, int classes = 6) {
    const Head head = randomHead(kind, classes, featureCount(architecture, stages), seed + 1);
    // Odd seeds pool one way, even ones the other.
    return buildNet(architecture, randomWeights(architecture, seed), FeatureChoice(stages, Pooling(seed % 2)), head,
                    {{"hyperpred.classes", "[\"a\",\"b\"]"}, {"other", ""}});
}

#ifndef HYPERPRED_WITHOUT_OPENCV
// N x 3 x S x S, whole numbers 0..255 as blobFromImages gives them.
inline cv::Mat randomBlob(int batch, int size, unsigned seed) {
    std::mt19937 draw(seed);
    cv::Mat blob(std::vector<int>{batch, 3, size, size}, CV_32F);
    std::generate(blob.begin<float>(), blob.end<float>(), [&] { return float(draw() % 256); });
    return blob;
}
#endif

// ---- plain loops ----

// conv, max_pool, avg_pool and their like: `gather(o, c)` visits the window of output o in channel c.
struct Window {
    int kernel, stride, pad;
    Shape in, out;

    template <typename Visit>
    void forEach(int y, int x, const Visit& visit) const {
        for (int v = 0; v < kernel; ++v) {
            for (int u = 0; u < kernel; ++u) {
                const int row = y * stride - pad + v, column = x * stride - pad + u;
                if (row < 0 || row >= in.height || column < 0 || column >= in.width) continue;
                visit(row * in.width + column, v * kernel + u);
            }
        }
    }
};

// As wide as its kernel is: one input channel an output channel means depthwise.
inline Values convolve(const Window& window, const Values& input, const std::vector<float>& weight) {
    const int plane = window.in.height * window.in.width, square = window.kernel * window.kernel;
    const int inputs = int(weight.size()) / square / window.out.channels;
    Values result;
    for (int o = 0; o < window.out.channels; ++o) {
        for (int y = 0; y < window.out.height; ++y) {
            for (int x = 0; x < window.out.width; ++x) {
                double sum = 0;
                window.forEach(y, x, [&](int pixel, int position) {
                    for (int i = 0; i < inputs; ++i) {
                        const int channel = inputs < window.in.channels ? o : i;
                        sum += input[size_t(channel * plane + pixel)] *
                               double(weight[size_t((o * inputs + i) * square + position)]);
                    }
                });
                result.push_back(sum);
            }
        }
    }
    return result;
}

inline Values poolWindows(const Window& window, const Values& input, bool greatest) {
    const int plane = window.in.height * window.in.width;
    Values result;
    for (int c = 0; c < window.out.channels; ++c) {
        for (int y = 0; y < window.out.height; ++y) {
            for (int x = 0; x < window.out.width; ++x) {
                double most = -HUGE_VAL, sum = 0;
                window.forEach(y, x, [&](int pixel, int) {
                    most = std::max(most, input[size_t(c * plane + pixel)]);
                    sum += input[size_t(c * plane + pixel)];
                });
                result.push_back(greatest ? most : sum / (window.kernel * window.kernel));
            }
        }
    }
    return result;
}

inline Values power(Values values, double exponent) {
    for (double& value : values) value = std::pow(value, exponent);
    return values;
}

inline Values relu(Values values) {
    for (double& value : values) value = std::max(value, 0.0);
    return values;
}

inline Values sum(Values a, const Values& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
}

// y = scale[c] x + shift[c].
inline Values affine(Values values, const Values& scale, const Values& shift) {
    const size_t plane = values.size() / scale.size();
    for (size_t i = 0; i < values.size(); ++i) values[i] = scale[i / plane] * values[i] + shift[i / plane];
    return values;
}

inline Values spatialMean(const Values& values, int channels) {
    const size_t plane = values.size() / size_t(channels);
    Values means(size_t(channels), 0);
    for (size_t i = 0; i < values.size(); ++i) means[i / plane] += values[i] / double(plane);
    return means;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
