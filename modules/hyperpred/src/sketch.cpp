// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "sketch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "error.hpp"
#include "hypernetwork.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kVarianceFloor = 1e-8;
const double kLayerNormEpsilon = 1e-5;

// y = W x + b, W out x in.
std::vector<float> linear(const Tensor& weight, const Tensor& bias, const std::vector<float>& x) {
    const size_t out = size_t(weight.shape[0]), in = size_t(weight.shape[1]);
    std::vector<float> y(out);
    for (size_t o = 0; o < out; ++o) {
        double sum = double(bias.values[o]);
        for (size_t i = 0; i < in; ++i) sum += double(weight.values[o * in + i]) * double(x[i]);
        y[o] = float(sum);
    }
    return y;
}

std::vector<float> layerNorm(const Tensor& weight, const Tensor& bias, const std::vector<float>& x) {
    double mean = 0, square = 0;
    for (const float value : x) mean += double(value);
    mean /= double(x.size());
    for (const float value : x) square += (double(value) - mean) * (double(value) - mean);
    const double scale = 1 / std::sqrt(square / double(x.size()) + kLayerNormEpsilon);
    std::vector<float> y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        y[i] = float((double(x[i]) - mean) * scale * double(weight.values[i]) + double(bias.values[i]));
    }
    return y;
}

// Mean and population variance of each column, two-pass so that nothing cancels.
struct Moments {
    std::vector<double> mean, variance;
};
template <class Row>
Moments momentsOf(const std::vector<Row>& rows, size_t columns) {
    Moments result{std::vector<double>(columns, 0), std::vector<double>(columns, 0)};
    for (const Row& row : rows) {
        for (size_t i = 0; i < columns; ++i) result.mean[i] += double(row[i]);
    }
    for (double& value : result.mean) value /= double(rows.size());
    for (const Row& row : rows) {
        for (size_t i = 0; i < columns; ++i) {
            const double off = double(row[i]) - result.mean[i];
            result.variance[i] += off * off;
        }
    }
    for (double& value : result.variance) value /= double(rows.size());
    return result;
}

// The rows of each class, in the order of the images. A class without an image has no entry: a bounded sample of very
// many classes does not reach each of them.
std::vector<std::vector<const float*>> rowsByClass(const std::vector<float>& features, const std::vector<int>& labels,
                                                   size_t columns) {
    std::map<int, std::vector<const float*>> byLabel;
    for (size_t i = 0; i < labels.size(); ++i) byLabel[labels[i]].push_back(features.data() + i * columns);
    std::vector<std::vector<const float*>> classes;
    for (auto& entry : byLabel) classes.push_back(std::move(entry.second));
    return classes;
}

double deviation(double variance) {
    return std::sqrt(variance + kVarianceFloor);
}

const int kEdge = kSketchSize;
const int kPixels = kEdge * kEdge;

// Sum of term(0) .. term(count - 1) in eight running sums: always the same order, and the compiler can use vectors.
template <class Term>
double sumOf(int count, const Term& term) {
    const int kLanes = 8;
    double lanes[kLanes] = {0, 0, 0, 0, 0, 0, 0, 0};
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
    }
    for (; i < count; ++i) lanes[i % kLanes] += term(i);
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// A plane less its mean, and that mean.
struct Centred {
    double mean = 0;
    std::vector<double> values;
};
Centred centre(const double* plane) {
    Centred result;
    result.mean = sumOf(kPixels, [plane](int i) { return plane[i]; }) / kPixels;
    for (int i = 0; i < kPixels; ++i) result.values.push_back(plane[i] - result.mean);
    return result;
}

double covariance(const Centred& a, const Centred& b) {
    const double *x = a.values.data(), *y = b.values.data();
    return sumOf(kPixels, [x, y](int i) { return x[i] * y[i]; }) / kPixels;
}

// Third central moment, against the deviation.
double skewness(const Centred& lum, double variance) {
    const double* x = lum.values.data();
    return sumOf(kPixels, [x](int i) { return x[i] * x[i] * x[i]; }) / kPixels / std::pow(variance + 1e-4, 1.5);
}

// Mean over a rectangle of a plane, rows r0..r1-1 and columns c0..c1-1.
double meanOfPart(const double* plane, int r0, int r1, int c0, int c1) {
    double sum = 0;
    for (int r = r0; r < r1; ++r) {
        const double* row = plane + r * kEdge;
        sum += sumOf(c1 - c0, [row, c0](int i) { return row[c0 + i]; });
    }
    return sum / ((r1 - r0) * (c1 - c0));
}

// Mean absolute difference of neighbours, along columns (across = true) or rows.
double gradient(const double* plane, bool across) {
    const int rows = across ? kEdge : kEdge - 1, columns = across ? kEdge - 1 : kEdge, step = across ? 1 : kEdge;
    double sum = 0;
    for (int r = 0; r < rows; ++r) {
        const double* row = plane + r * kEdge;
        sum += sumOf(columns, [row, step](int c) { return std::abs(row[c + step] - row[c]); });
    }
    return sum / (rows * columns);
}

// Mean |P - upsampled 2 x 2 average of P|; `plane` (edge x edge) becomes the average (edge / 2).
double bandEnergy(std::vector<double>& plane, int edge) {
    const int half = edge / 2;
    std::vector<double> smaller(size_t(half * half));
    double sum = 0;
    for (int r = 0; r < half; ++r) {
        const double *top = plane.data() + 2 * r * edge, *bottom = top + edge;
        double* average = smaller.data() + r * half;
        for (int c = 0; c < half; ++c) {
            average[c] = (top[2 * c] + top[2 * c + 1] + bottom[2 * c] + bottom[2 * c + 1]) / 4;
        }
        sum += sumOf(half, [=](int c) {
            return std::abs(top[2 * c] - average[c]) + std::abs(top[2 * c + 1] - average[c]) +
                   std::abs(bottom[2 * c] - average[c]) + std::abs(bottom[2 * c + 1] - average[c]);
        });
    }
    plane = smaller;
    return sum / (edge * edge);
}

// Positive where brightness rises along both axes or falls along both: edges from bottom left to top right.
double diagonal(const double* lum) {
    double sum = 0;
    for (int r = 0; r + 1 < kEdge; ++r) {
        const double* p = lum + r * kEdge;
        sum += sumOf(kEdge - 1, [p](int c) { return (p[c + 1] - p[c]) * (p[c + kEdge] - p[c]); });
    }
    return 16 * sum / ((kEdge - 1) * (kEdge - 1));
}

// Input pixels under one output pixel of an area resampling, each with its share.
struct Span {
    int begin = 0;
    std::vector<double> shares;
};
std::vector<Span> spansOf(int size) {
    const double step = double(size) / kEdge;
    std::vector<Span> spans(static_cast<size_t>(kEdge));
    for (int i = 0; i < kEdge; ++i) {
        // Exact ends in integers: output i covers [i size, (i + 1) size) / 32.
        const int begin = i * size / kEdge, end = ((i + 1) * size + kEdge - 1) / kEdge;
        spans[size_t(i)].begin = begin;
        for (int input = begin; input < end; ++input) {
            const double from = std::max(i * step, double(input)), to = std::min((i + 1) * step, input + 1.0);
            spans[size_t(i)].shares.push_back((to - from) / step);
        }
    }
    return spans;
}

}  // namespace

SketchParameters readSketch(const ModelFile& file, const HyperConfig& config) {
    SketchParameters parameters;
    parameters.conv = config.encoder == "conv";
    parameters.width = config.width;
    int64_t in = 3;
    for (int i = 0; parameters.conv && i < 4; ++i) {
        const std::string stem = "sketch.conv" + std::to_string(i);
        parameters.convWeight.push_back(file.read(stem + ".weight", {kConvChannels[i], in, 3, 3}));
        parameters.convBias.push_back(file.read(stem + ".bias", {kConvChannels[i]}));
        in = kConvChannels[i];
    }
    const int64_t pooled = 4 * int64_t(imageFeatureCount(parameters)), width = config.width;
    parameters.normWeight = file.read("sketch.norm.weight", {pooled});
    parameters.normBias = file.read("sketch.norm.bias", {pooled});
    parameters.hiddenWeight = file.read("sketch.hidden.weight", {width, pooled});
    parameters.hiddenBias = file.read("sketch.hidden.bias", {width});
    parameters.outWeight = file.read("sketch.out.weight", {width, width});
    parameters.outBias = file.read("sketch.out.bias", {width});
    return parameters;
}

int imageFeatureCount(const SketchParameters& parameters) {
    return parameters.conv ? kConvFeatures : kStatsFeatures;
}

std::vector<float> poolByLabel(const std::vector<float>& features, const std::vector<int>& labels, int featureCount) {
    const size_t columns = size_t(featureCount);
    if (labels.empty() || features.size() != labels.size() * columns) {
        fail(Failure::Internal, std::to_string(features.size()) + " features of " + std::to_string(labels.size()) +
                                    " images, " + std::to_string(featureCount) + " each, reached the sketch");
    }
    const std::vector<std::vector<const float*>> classes = rowsByClass(features, labels, columns);
    std::vector<const float*> all;
    for (size_t i = 0; i < labels.size(); ++i) all.push_back(features.data() + i * columns);
    const Moments overall = momentsOf(all, columns);
    std::vector<double> within(columns, 0);
    std::vector<std::vector<double>> means;
    for (const std::vector<const float*>& rows : classes) {
        const Moments moments = momentsOf(rows, columns);
        for (size_t i = 0; i < columns; ++i) within[i] += deviation(moments.variance[i]);
        means.push_back(moments.mean);
    }
    const Moments between = momentsOf(means, columns);
    std::vector<float> pooled(4 * columns);
    for (size_t i = 0; i < columns; ++i) {
        pooled[i] = float(overall.mean[i]);
        pooled[columns + i] = float(deviation(overall.variance[i]));
        pooled[2 * columns + i] = float(within[i] / double(classes.size()));
        pooled[3 * columns + i] = float(deviation(between.variance[i]));
    }
    return pooled;
}

std::vector<float> sketchFromPooled(const SketchParameters& parameters, const std::vector<float>& pooled) {
    std::vector<float> hidden = linear(parameters.hiddenWeight, parameters.hiddenBias,
                                       layerNorm(parameters.normWeight, parameters.normBias, pooled));
    for (float& value : hidden) value = float(0.5 * double(value) * (1 + std::erf(double(value) * std::sqrt(0.5))));
    return linear(parameters.outWeight, parameters.outBias, hidden);
}

void imageStatistics(const float* planes, float* out) {
    std::vector<double> colour[3], lum(static_cast<size_t>(kPixels));
    for (int c = 0; c < 3; ++c) colour[c].assign(planes + c * kPixels, planes + (c + 1) * kPixels);
    for (size_t i = 0; i < lum.size(); ++i) {
        lum[i] = 0.299 * colour[0][i] + 0.587 * colour[1][i] + 0.114 * colour[2][i];
    }
    const Centred centred[3] = {centre(colour[0].data()), centre(colour[1].data()), centre(colour[2].data())};
    for (int c = 0; c < 3; ++c) {
        out[c] = float(centred[c].mean);
        out[3 + c] = float(deviation(covariance(centred[c], centred[c])));
        out[9 + c] = float(gradient(colour[c].data(), true));
        out[12 + c] = float(gradient(colour[c].data(), false));
    }
    out[6] = float(4 * covariance(centred[0], centred[1]));
    out[7] = float(4 * covariance(centred[0], centred[2]));
    out[8] = float(4 * covariance(centred[1], centred[2]));
    const Centred light = centre(lum.data());
    const double variance = covariance(light, light);
    const double* p = lum.data();
    const int half = kEdge / 2, quarter = kEdge / 4;
    out[18] = float(meanOfPart(p, 0, half, 0, kEdge) - meanOfPart(p, half, kEdge, 0, kEdge));
    out[19] = float(meanOfPart(p, 0, kEdge, 0, half) - meanOfPart(p, 0, kEdge, half, kEdge));
    out[20] = float(meanOfPart(p, quarter, kEdge - quarter, quarter, kEdge - quarter) - light.mean);
    out[21] = float(diagonal(p));
    out[22] = float(skewness(light, variance));
    out[23] = float(deviation(variance));
    int edge = kEdge;
    for (int band = 0; band < 3; ++band, edge /= 2) out[15 + band] = float(bandEnergy(lum, edge));
}

void sketchPlanes(const uint8_t* bgr, int size, float* planes) {
    const std::vector<Span> spans = spansOf(size);
    for (int r = 0; r < kEdge; ++r) {
        const Span& rows = spans[size_t(r)];
        for (int c = 0; c < kEdge; ++c) {
            const Span& columns = spans[size_t(c)];
            double sum[3] = {0, 0, 0};
            for (size_t y = 0; y < rows.shares.size(); ++y) {
                const uint8_t* pixel = bgr + ((size_t(rows.begin) + y) * size_t(size) + size_t(columns.begin)) * 3;
                for (const double share : columns.shares) {
                    const double weight = rows.shares[y] * share;
                    for (int k = 0; k < 3; ++k) sum[k] += weight * pixel[2 - k];
                    pixel += 3;
                }
            }
            for (int k = 0; k < 3; ++k) planes[k * kPixels + r * kEdge + c] = float(sum[k] / 255);
        }
    }
}

}  // namespace hyperpred
}  // namespace cv
