// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE cuda_kernels
#include <boost/test/unit_test.hpp>

#include <numeric>

#include "cuda/head_sums.hpp"
#include "cuda/image_feed.hpp"
#include "cuda/kernel_list.hpp"
#include "cuda/plan.hpp"
#include "cuda/unroll.hpp"
#include "generators.hpp"
#include "host_device.hpp"
#include "random_hypernetwork.hpp"
#include "reference/plain_loops.hpp"
#include "small_nets.hpp"

// Each kernel of src/cuda by itself, on the host, at odd sizes, against plain loops; what they do together is in
// test_backend.cpp. Outputs start as NaN, so that a number left out is seen.

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
using cuda::Half;
using cuda::kLane;

namespace {

const double kFloat = 1e-5;  // another order of the sums
const double kHalf = 2e-3;   // 2^-11 a value, a few of them on top of each other

// N x C x H x W floats -> N x H x W x C of T with padded channels; what pads is zero.
template <class T>
DeviceVector<T> toMaps(const DeviceVector<float>& values, int64_t images, const Shape& shape) {
    const cuda::MapShape padded = cuda::paddedShape(shape);
    DeviceVector<T> maps(size_t(images * padded.elements()));
    for (T& value : maps) cuda::store(0.f, value);
    size_t from = 0;
    for (int64_t n = 0; n < images; ++n) {
        for (int c = 0; c < shape.channels; ++c) {
            for (int64_t pixel = 0; pixel < padded.pixels(); ++pixel) {
                cuda::store(values[from++], maps[size_t((n * padded.pixels() + pixel) * padded.channels + c)]);
            }
        }
    }
    return maps;
}

template <class T>
std::vector<float> fromMaps(const DeviceVector<T>& maps, int64_t images, const Shape& shape) {
    const cuda::MapShape padded = cuda::paddedShape(shape);
    std::vector<float> values;
    for (int64_t n = 0; n < images; ++n) {
        for (int c = 0; c < shape.channels; ++c) {
            for (int64_t pixel = 0; pixel < padded.pixels(); ++pixel) {
                values.push_back(cuda::load(maps[size_t((n * padded.pixels() + pixel) * padded.channels + c)]));
            }
        }
    }
    return values;
}

// The channels that only pad must be zero, or the next convolution reads rubbish.
template <class T>
bool padsAreZero(const DeviceVector<T>& maps, int64_t images, const Shape& shape) {
    const cuda::MapShape padded = cuda::paddedShape(shape);
    for (int64_t pixel = 0; pixel < images * padded.pixels(); ++pixel) {
        for (int c = shape.channels; c < padded.channels; ++c) {
            if (cuda::load(maps[size_t(pixel * padded.channels + c)]) != 0.f) return false;
        }
    }
    return true;
}

template <class T>
DeviceVector<T> unwritten(int64_t count) {
    DeviceVector<T> values(static_cast<size_t>(count));
    for (T& value : values) cuda::store(std::nanf(""), value);
    return values;
}

template <class A, class B>
double apart(const A& found, const B& expected) {
    if (found.size() != expected.size()) return HUGE_VAL;
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return HUGE_VAL;
        most = std::max(most, std::abs(double(found[i]) - double(expected[i])));
        scale = std::max(scale, std::abs(double(expected[i])));
    }
    return most / scale;
}

DeviceVector<float> draw(int64_t count, unsigned seed, double mean = 0.3) {
    const std::vector<float> values = RandomTensors(seed)({count}, 1, mean).values;
    return DeviceVector<float>(values.begin(), values.end());
}

// A kernel must not care in which order its blocks and threads come.
template <class K>
void runBothWays(const K& kernel, DeviceVector<float>& out) {
    runOnHost(kernel, true);
    const DeviceVector<float> backwards = out;
    runOnHost(kernel, false);
    BOOST_TEST((backwards == out));
}

// What a convolution gives for maps of `in`, and the reference's of each image.
Shape convolvedShape(const Shape& in, int outputs, int edge, int stride, int pad) {
    return {outputs, (in.height + 2 * pad - edge) / stride + 1, (in.width + 2 * pad - edge) / stride + 1};
}
std::vector<float> convolvedPlainly(const DeviceVector<float>& values, int images, const Shape& in,
                                    const Tensor& kernel, int stride, int pad, const Shape& out) {
    const std::ptrdiff_t each = std::ptrdiff_t(in.channels) * in.height * in.width;
    std::vector<float> all;
    for (int n = 0; n < images; ++n) {
        const std::vector<float> image(values.begin() + n * each, values.begin() + (n + 1) * each);
        const std::vector<float> one = reference::convolve(image, in, kernel, stride, pad, out);
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

template <class T>
void checkConvolution(const Shape& in, int outputs, int edge, int stride, int pad, double tolerance) {
    const int images = 3;
    const Shape out = convolvedShape(in, outputs, edge, stride, pad);
    const DeviceVector<float> values = draw(int64_t(images) * in.channels * in.height * in.width, 1);
    const Tensor kernel =
        RandomTensors(2)({outputs, in.channels, edge, edge}, 1 / std::sqrt(double(in.channels * edge * edge)));
    const DeviceVector<T> maps = toMaps<T>(values, images, in);
    const DeviceVector<float> scale = draw(outputs, 3, 1);

    cuda::PackKernel<T> pack{};
    pack.kernel = kernel.values.data();
    pack.scale = scale.data();
    pack.outputs = outputs;
    pack.inputs = in.channels;
    pack.window = edge * edge;
    DeviceVector<T> packed = unwritten<T>(pack.count());
    pack.out = packed.data();
    runOnHost(pack);

    cuda::DirectConvolution<T> task{};
    task.from = cuda::paddedShape(in);
    task.to = cuda::paddedShape(out);
    DeviceVector<T> result = unwritten<T>(images * task.to.elements());
    task.in = maps.data();
    task.kernel = packed.data();
    task.out = result.data();
    task.edge = edge;
    task.stride = stride;
    task.pad = pad;
    task.images = images;
    runOnHost(task);

    std::vector<float> expected = convolvedPlainly(values, images, in, kernel, stride, pad, out);
    const size_t plane = size_t(out.height * out.width);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] *= scale[i / plane % size_t(outputs)];
    BOOST_TEST(apart(fromMaps(result, images, out), expected) < tolerance);
    BOOST_TEST(padsAreZero(result, images, out));
}

// With everything that may follow: shift, another map, relu.
template <class T>
void checkDepthwise(const Shape& in, int edge, int stride, int pad, bool follows, double tolerance) {
    const int images = 3;
    const Shape out = convolvedShape(in, in.channels, edge, stride, pad);
    const DeviceVector<float> values = draw(int64_t(images) * in.channels * in.height * in.width, 1);
    const DeviceVector<float> more = draw(int64_t(images) * in.channels * out.height * out.width, 2);
    const Tensor kernel = RandomTensors(3)({in.channels, 1, edge, edge}, 1.0 / edge);
    const DeviceVector<T> maps = toMaps<T>(values, images, in), other = toMaps<T>(more, images, out);
    const DeviceVector<float> scale = draw(in.channels, 4, 1);
    DeviceVector<float> shift = draw(cuda::paddedChannels(in.channels), 5);
    std::fill(shift.begin() + in.channels, shift.end(), 0.f);

    cuda::PackDepthwise<T> pack{};
    pack.kernel = kernel.values.data();
    pack.scale = scale.data();
    pack.channels = in.channels;
    pack.window = edge * edge;
    DeviceVector<T> packed = unwritten<T>(pack.count());
    pack.out = packed.data();
    runOnHost(pack, follows);

    cuda::DepthwiseConvolution<T> task{};
    task.from = cuda::paddedShape(in);
    task.to = cuda::paddedShape(out);
    DeviceVector<T> result = unwritten<T>(images * task.to.elements());
    task.in = maps.data();
    task.kernel = packed.data();
    task.out = result.data();
    task.shift = follows ? shift.data() : nullptr;
    task.other = follows ? other.data() : nullptr;
    task.relu = follows;
    task.edge = edge;
    task.stride = stride;
    task.pad = pad;
    task.images = images;
    runOnHost(task, follows);

    std::vector<float> expected = convolvedPlainly(values, images, in, kernel, stride, pad, out);
    const size_t plane = size_t(out.height * out.width);
    for (size_t i = 0; i < expected.size(); ++i) {
        const size_t c = i / plane % size_t(in.channels);
        expected[i] *= scale[c];
        if (follows) expected[i] = std::max(0.f, expected[i] + shift[c] + more[i]);
    }
    BOOST_TEST(apart(fromMaps(result, images, out), expected) < tolerance);
    BOOST_TEST(padsAreZero(result, images, out));
}

template <class T>
void checkPool(const Shape& in, int edge, int stride, int pad, bool greatest, double tolerance) {
    const int images = 2;
    const Shape out = convolvedShape(in, in.channels, edge, stride, pad);
    // Negative everywhere: a zero from the padding would win.
    const DeviceVector<float> values = draw(int64_t(images) * in.channels * in.height * in.width, 4, -9);
    const DeviceVector<T> maps = toMaps<T>(values, images, in);
    cuda::Pool<T> task{};
    task.from = cuda::paddedShape(in);
    task.to = cuda::paddedShape(out);
    DeviceVector<T> result = unwritten<T>(images * task.to.elements());
    task.in = maps.data();
    task.out = result.data();
    task.kernel = edge;
    task.stride = stride;
    task.pad = pad;
    task.greatest = greatest;
    task.images = images;
    runOnHost(task);

    std::vector<float> expected;
    for (int64_t plane = 0; plane < images * in.channels; ++plane) {
        const float* map = values.data() + plane * in.height * in.width;
        for (int y = 0; y < out.height; ++y) {
            for (int x = 0; x < out.width; ++x) {
                float most = -1e30f;
                double sum = 0, seen = 0;
                for (int v = y * stride - pad; v < y * stride - pad + edge; ++v) {
                    for (int u = x * stride - pad; u < x * stride - pad + edge; ++u) {
                        if (v < 0 || v >= in.height || u < 0 || u >= in.width) continue;
                        most = std::max(most, map[v * in.width + u]);
                        sum += double(map[v * in.width + u]);
                        ++seen;
                    }
                }
                expected.push_back(greatest ? most : float(sum / seen));
            }
        }
    }
    BOOST_TEST(apart(fromMaps(result, images, out), expected) < tolerance);
    BOOST_TEST(padsAreZero(result, images, out));
}

template <class T>
void checkMoments(int64_t rows, int channels, double mean, double tolerance) {
    const int padded = cuda::paddedChannels(channels);
    const DeviceVector<float> values = draw(rows * channels, 5, mean);
    const DeviceVector<T> maps = toMaps<T>(values, 1, {channels, int(rows), 1});
    cuda::ColumnMoments<T> slices{};
    const int64_t count = slices.slices(rows);
    std::vector<double> sum(size_t(count * padded), NAN), squares = sum;
    slices.values = maps.data();
    slices.sum = sum.data();
    slices.squares = squares.data();
    slices.rows = rows;
    slices.channels = padded;
    runOnHost(slices, true);
    cuda::FinishMoments whole{};
    DeviceVector<float> found = unwritten<float>(channels), spread = found;
    whole.sum = sum.data();
    whole.squares = squares.data();
    whole.slices = count;
    whole.rows = double(rows);
    whole.channels = channels;
    whole.padded = padded;
    whole.mean = found.data();
    whole.variance = spread.data();
    runOnHost(whole, true);

    const std::vector<float> planes = fromMaps(maps, 1, {channels, int(rows), 1});  // as half rounded them
    for (int c = 0; c < channels; ++c) {
        const float* plane = planes.data() + c * rows;
        double all = 0, square = 0;
        for (int64_t i = 0; i < rows; ++i) all += double(plane[i]) / double(rows);
        for (int64_t i = 0; i < rows; ++i) square += (double(plane[i]) - all) * (double(plane[i]) - all) / double(rows);
        BOOST_TEST(std::abs(double(found[size_t(c)]) - all) < tolerance * (std::abs(all) + 1e-3));
        BOOST_TEST(std::abs(double(spread[size_t(c)]) - square) < tolerance * (square + 1e-5));
    }
}

}  // namespace

// ---- maps ----

BOOST_AUTO_TEST_CASE(convolutions_of_odd_shapes) {
    checkConvolution<float>({3, 13, 11}, 5, 3, 1, 1, kFloat);
    checkConvolution<float>({17, 9, 9}, 33, 3, 2, 1, kFloat);
    checkConvolution<float>({8, 7, 7}, 8, 1, 2, 0, kFloat);
    checkConvolution<float>({3, 27, 27}, 9, 7, 2, 3, kFloat);
    checkConvolution<float>({9, 2, 2}, 7, 2, 1, 1, kFloat);
    checkConvolution<Half>({17, 9, 9}, 33, 3, 2, 1, kHalf);
    checkConvolution<Half>({3, 27, 27}, 9, 7, 2, 3, kHalf);
}

BOOST_AUTO_TEST_CASE(depthwise_convolutions_and_what_follows_them) {
    for (const bool follows : {false, true}) {
        checkDepthwise<float>({13, 9, 7}, 3, 1, 1, follows, kFloat);
        checkDepthwise<float>({8, 8, 8}, 3, 2, 1, follows, kFloat);
        checkDepthwise<float>({33, 5, 5}, 5, 2, 2, follows, kFloat);
        checkDepthwise<float>({3, 2, 2}, 2, 1, 1, follows, kFloat);
        checkDepthwise<Half>({21, 7, 6}, 3, 2, 1, follows, kHalf);
    }
}

BOOST_AUTO_TEST_CASE(pools_leave_the_padding_out) {
    for (const bool greatest : {true, false}) {
        checkPool<float>({5, 9, 7}, 3, 2, 1, greatest, kFloat);
        checkPool<float>({13, 6, 6}, 2, 1, 0, greatest, kFloat);
        checkPool<Half>({5, 9, 7}, 3, 2, 1, greatest, kHalf);
    }
}

BOOST_AUTO_TEST_CASE(images_are_normalised_and_padded) {
    const int64_t pixels = 517;
    std::vector<uint8_t> bytes(size_t(pixels) * 3);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = uint8_t(i * 37 + i / 256);
    cuda::Normalise<float> task{};
    DeviceVector<float> out = unwritten<float>(pixels * kLane);
    task.bgr = bytes.data();
    task.out = out.data();
    task.pixels = pixels;
    for (int c = 0; c < 3; ++c) {
        task.mean[c] = 100.f + 10.f * float(c);
        task.deviation[c] = 50.f + float(c);
    }
    runBothWays(task, out);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
        for (int c = 0; c < kLane; ++c) {
            const float byte = float(bytes[size_t(3 * pixel + 2 - std::min(c, 2))]);
            const float expected = c < 3 ? (byte - task.mean[c]) / task.deviation[c] : 0.f;
            BOOST_REQUIRE(std::abs(out[size_t(pixel * kLane + c)] - expected) < 1e-6);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_follows_a_convolution) {
    const int channels = 24;
    const int64_t pixels = 91;
    const DeviceVector<float> values = draw(pixels * channels, 6), other = draw(pixels * channels, 7);
    const DeviceVector<float> scale = draw(channels, 8), shift = draw(channels, 9);
    for (int mask = 0; mask < 16; ++mask) {
        DeviceVector<float> found = values;
        cuda::Finish<float> task{};
        task.values = found.data();
        task.scale = mask & 1 ? scale.data() : nullptr;
        task.shift = mask & 2 ? shift.data() : nullptr;
        task.other = mask & 4 ? other.data() : nullptr;
        task.relu = mask & 8 ? 1 : 0;
        task.channels = channels;
        task.pixels = pixels;
        runOnHost(task, mask % 2 == 0);
        DeviceVector<float> expected = values;
        for (size_t i = 0; i < expected.size(); ++i) {
            const size_t c = i % channels;
            if (mask & 1) expected[i] *= scale[c];
            if (mask & 2) expected[i] += shift[c];
            if (mask & 4) expected[i] += other[i];
            if (mask & 8) expected[i] = std::max(expected[i], 0.f);
        }
        BOOST_TEST(apart(found, expected) < kFloat);
    }
}

BOOST_AUTO_TEST_CASE(relu_keeps_a_nan) {
    DeviceVector<float> values(kLane, NAN);
    cuda::Finish<float> task{};
    task.values = values.data();
    task.relu = 1;
    task.channels = kLane;
    task.pixels = 1;
    runOnHost(task);
    BOOST_TEST(std::isnan(values[3]));
}

BOOST_AUTO_TEST_CASE(pools_keep_a_nan) {
    DeviceVector<float> values(3 * 3 * kLane, 1.f);
    values[4 * kLane + 2] = NAN;  // in the middle: neither the first nor the last of its windows
    for (const int greatest : {0, 1}) {
        DeviceVector<float> out(kLane);
        cuda::Pool<float> task{};
        task.in = values.data();
        task.out = out.data();
        task.from = cuda::paddedShape({kLane, 3, 3});
        task.to = cuda::paddedShape({kLane, 1, 1});
        task.kernel = 3;
        task.stride = 1;
        task.greatest = greatest;
        task.images = 1;
        runOnHost(task);
        BOOST_TEST(std::isnan(out[2]));
        BOOST_TEST(out[3] == 1.f);
    }
}

BOOST_AUTO_TEST_CASE(means_over_space) {
    const Shape shape{13, 5, 3};
    const DeviceVector<float> values = draw(4 * 13 * 15, 10), maps = toMaps<float>(values, 4, shape);
    for (const bool rms : {false, true}) {
        DeviceVector<float> out = unwritten<float>(4 * 20);
        std::vector<float> expected;
        cuda::SpatialMean<float, float> task{};
        task.in = maps.data();
        task.out = out.data() + 3;  // columns 3 .. 15 of rows of 20
        task.from = cuda::paddedShape(shape);
        task.channels = 13;
        task.stride = 20;
        task.images = 4;
        task.rms = rms;
        runOnHost(task);
        std::vector<float> found;
        for (int n = 0; n < 4; ++n) {
            BOOST_TEST(std::isnan(out[size_t(n * 20 + 2)]));
            BOOST_TEST(std::isnan(out[size_t(n * 20 + 16)]));
            for (int c = 0; c < 13; ++c) {
                const float* plane = values.data() + (n * 13 + c) * 15;
                const double sum = std::accumulate(plane, plane + 15, 0.0);
                const double squares = std::inner_product(plane, plane + 15, plane, 0.0);
                expected.push_back(float(rms ? std::sqrt(squares / 15) : sum / 15));
                found.push_back(out[size_t(n * 20 + 3 + c)]);
            }
        }
        BOOST_TEST(apart(found, expected) < kFloat);
    }
}

// ---- batch-norm statistics ----

BOOST_AUTO_TEST_CASE(moments_of_any_number_of_rows_and_channels) {
    for (const int64_t rows : {1, 7, 511, 512, 513, 5000}) {
        for (const int channels : {1, 8, 33, 70}) checkMoments<float>(rows, channels, 0.5, 1e-5);
    }
    checkMoments<Half>(1000, 40, 0.5, 1e-5);
    checkMoments<float>(3000, 5, 1000, 1e-4);  // a mean far beyond the deviation
}

// ---- encoder ----

BOOST_AUTO_TEST_CASE(planes_of_any_image_size) {
    for (const int size : {8, 27, 32, 50, 64, 100}) {
        const int images = 2;
        std::vector<uint8_t> bytes(size_t(images * size * size * 3));
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = uint8_t(i * 101 + i / 64);
        DeviceVector<float> found = unwritten<float>(images * 3 * cuda::kPlane), expected = found;
        cuda::SketchPlanes task{};
        task.bgr = bytes.data();
        task.planes = found.data();
        task.size = size;
        task.images = images;
        runBothWays(task, found);
        for (int n = 0; n < images; ++n) {
            sketchPlanes(bytes.data() + n * size * size * 3, size, expected.data() + n * 3 * cuda::kPlane);
        }
        BOOST_TEST(apart(found, expected) < 1e-6);
    }
}

BOOST_AUTO_TEST_CASE(statistics_of_images) {
    const int images = 5;
    std::vector<float> planes = RandomTensors(11)({images * 3 * cuda::kPlane}, 0.2, 0.5).values;
    for (int i = 0; i < 3 * cuda::kPlane; ++i) planes[size_t(i)] = 0.25f;  // a flat image has no deviation
    for (int i = 0; i < 3 * cuda::kPlane; ++i) planes[size_t(3 * cuda::kPlane + i)] = float(i % 32) / 32;  // a ramp
    DeviceVector<float> found = unwritten<float>(images * kStatsFeatures), expected = found;
    cuda::ImageStatistics task{};
    task.planes = planes.data();
    task.out = found.data();
    task.images = images;
    runBothWays(task, found);
    for (int n = 0; n < images; ++n) {
        imageStatistics(planes.data() + n * 3 * cuda::kPlane, expected.data() + n * kStatsFeatures);
    }
    for (size_t i = 0; i < found.size(); ++i) BOOST_TEST(std::abs(found[i] - expected[i]) < 1e-5);
}

// ---- hypernetwork ----

BOOST_AUTO_TEST_CASE(rows_of_any_length_and_group) {
    for (const int columns : {1, 37, 64, 200}) {
        const int64_t rows = 19;
        const DeviceVector<float> weight = draw(rows * columns, 12), bias = draw(rows, 13), x = draw(3 * columns, 14);
        std::vector<int> group;
        for (int i = 0; i < rows; ++i) group.push_back(i * 3 / int(rows));
        DeviceVector<float> found = unwritten<float>(rows), expected;
        cuda::LongRows task{};
        task.weight = weight.data();
        task.bias = bias.data();
        task.x = x.data();
        task.group = group.data();
        task.y = found.data();
        task.rows = rows;
        task.columns = columns;
        runBothWays(task, found);
        for (int64_t row = 0; row < rows; ++row) {
            double sum = double(bias[size_t(row)]);
            for (int i = 0; i < columns; ++i) {
                sum += double(weight[size_t(row * columns + i)]) * double(x[size_t(group[size_t(row)] * columns + i)]);
            }
            expected.push_back(float(sum));
        }
        BOOST_TEST(apart(found, expected) < kFloat);
    }
}

BOOST_AUTO_TEST_CASE(layer_norm_of_any_width) {
    for (const int width : {1, 37, 256, 300}) {
        const DeviceVector<float> hidden = draw(width, 15), sketch = draw(width, 16), weight = draw(width, 17),
                                  bias = draw(width, 18);
        DeviceVector<float> found = unwritten<float>(width), expected;
        cuda::NormRow task{};
        task.hidden = hidden.data();
        task.sketch = sketch.data();
        task.mix = 0.3f;
        task.weight = weight.data();
        task.bias = bias.data();
        task.out = found.data();
        task.width = width;
        runBothWays(task, found);
        std::vector<double> x;
        for (size_t i = 0; i < hidden.size(); ++i) x.push_back(double(hidden[i]) + double(0.3f) * double(sketch[i]));
        const double mean = std::accumulate(x.begin(), x.end(), 0.0) / width;
        double variance = 0;
        for (const double value : x) variance += (value - mean) * (value - mean) / width;
        for (size_t i = 0; i < x.size(); ++i) {
            expected.push_back(float((x[i] - mean) / std::sqrt(variance + 1e-5) * double(weight[i]) + double(bias[i])));
        }
        BOOST_TEST(apart(found, expected) < kFloat);
    }
}

// One cluster gives what the chain of launches gives, of any width and number of cells, in either order of blocks.
BOOST_AUTO_TEST_CASE(a_cluster_unrolls_as_the_chain_does) {
    DocumentBuilder build(16);
    const std::string stem = build.convNormRelu("image", 8, 3, 1, 1);
    const Architecture architecture = build.build({build.residual(stem, 8, 16, 2)});
    for (const int width : {3, 37, 256}) {
        for (const int layers : {1, 2}) {
            HyperConfig config;
            config.width = width;
            config.embedding = 5;
            config.layers = layers;
            config.sketchMix = layers == 2 ? 0.1f : 0.f;
            const auto hyper = randomHyperNetwork(architecture, config, 40);
            const std::vector<float> sketch = RandomTensors(41)({width}, 1).values;
            std::vector<std::vector<float>> found;
            for (const bool clusters : {false, true}) {
                for (const bool backwards : {false, true}) {
                    HostSettings settings;
                    settings.clusters = clusters;
                    settings.backwards = backwards;
                    const auto device = std::make_shared<HostDevice>(settings);
                    const auto pool = std::make_shared<cuda::MemoryPool>(device);
                    const cuda::Unroll unroll(hyper->recurrent, *pool);
                    unroll(RandomTensors(42)({width}, 1).values);  // leaves a state behind that must not matter
                    const int64_t before = device->launches;
                    found.push_back(unroll(sketch));
                    BOOST_TEST(device->launches - before == (clusters ? 1 : 0));  // the chain is a recording
                }
            }
            BOOST_TEST((found[0] == found[1]));
            BOOST_TEST((found[2] == found[3]));
            BOOST_TEST(apart(found[2], found[0]) < kFloat);
        }
    }
    BOOST_TEST(cuda::UnrollCluster::fits(512, 2));
    BOOST_TEST(!cuda::UnrollCluster::fits(513, 1));
    BOOST_TEST(!cuda::UnrollCluster::fits(16, 3));
}

BOOST_AUTO_TEST_CASE(a_layer_is_found_from_any_of_its_weights) {
    std::vector<cuda::GeneratorLayer> layers(5);
    const int64_t first[] = {0, 10, 11, 40, 41};
    for (size_t i = 0; i < 5; ++i) layers[i].kernel = layers[i].tileHidden = first[i];
    cuda::GeneratorTable table{};
    table.layers = layers.data();
    table.count = 5;
    for (int64_t at = 0; at < 60; ++at) {
        size_t expected = 0;
        while (expected + 1 < 5 && first[expected + 1] <= at) ++expected;
        BOOST_TEST(&table.byKernel(at) == &layers[expected]);
        BOOST_TEST(table.byTileHidden(at) == int(expected));
    }
}

// ---- head statistics ----

BOOST_AUTO_TEST_CASE(rows_are_gathered_from_anywhere_and_summed) {
    for (const int p : {1, 31, 33, 70}) {
        const int n = 41;
        const DeviceVector<float> here = draw(n * p, 31, 100), there = draw(n * p, 32, 100);
        std::vector<const float*> rows;
        for (int i = 0; i < n; ++i) rows.push_back((i % 3 == 0 ? here : there).data() + (n - 1 - i) * p);
        std::vector<double> wide(size_t(n * p), NAN), gram(size_t(p * p), 0.25), sums(size_t(3 * p), 0.5);
        cuda::GatherRows gather{};
        gather.rows = rows.data();
        gather.out = wide.data();
        gather.n = n;
        gather.p = p;
        runOnHost(gather, true);
        cuda::GramEntries entries{};
        entries.rows = wide.data();
        entries.out = gram.data();
        entries.n = n;
        entries.p = p;
        runOnHost(entries, true);
        // Class 2 has most of the rows, class 0 one, class 1 none.
        std::vector<int> order(n);
        std::iota(order.begin(), order.end(), 0);
        std::swap(order[0], order[17]);
        const std::vector<cuda::ClassSegment> segments = {{0, 0, 1}, {2, 1, n}};
        cuda::ClassSums classes{};
        classes.rows = wide.data();
        classes.order = order.data();
        classes.segments = segments.data();
        classes.sums = sums.data();
        classes.segmentCount = 2;
        classes.p = p;
        runOnHost(classes, true);

        for (int a = 0; a < p; ++a) {
            double all = 0;
            for (int i = 0; i < n; ++i) {
                BOOST_REQUIRE(wide[size_t(i * p + a)] == double(rows[size_t(i)][a]));
                if (i != 17) all += double(rows[size_t(i)][a]);
            }
            BOOST_TEST(sums[size_t(a)] == 0.5 + double(rows[17][a]));
            BOOST_TEST(sums[size_t(p + a)] == 0.5);
            BOOST_TEST(std::abs(sums[size_t(2 * p + a)] - 0.5 - all) < 1e-12 * n * 100);
            for (int b = 0; b < p; ++b) {
                double product = 0.25;
                for (int i = 0; i < n; ++i) product += double(rows[size_t(i)][a]) * double(rows[size_t(i)][b]);
                BOOST_TEST(gram[size_t(a * p + b)] == (a <= b ? product : 0.25));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(blocks_of_rows_are_powers_of_two_within_the_budget) {
    BOOST_TEST(cuda::sumBlockRows(size_t(512) << 20, 896) == 4096);
    BOOST_TEST(cuda::sumBlockRows(96 << 10, 33) == 256);
    BOOST_TEST(cuda::sumBlockRows(1, 33) == 16);
}

// ---- launch shapes ----

BOOST_AUTO_TEST_CASE(grids_cover_what_is_counted) {
    for (const int64_t count : {int64_t(1), int64_t(255), int64_t(256), int64_t(257), int64_t(1) << 33}) {
        cuda::GatherRows task{};
        task.n = count;
        task.p = 1;
        const int64_t threads = cuda::GatherRows::kThreads;
        BOOST_TEST(task.blocks() * threads >= count);
        BOOST_TEST((task.blocks() - 1) * threads < count);
    }
    BOOST_TEST(cuda::paddedChannels(1) == 8);
    BOOST_TEST(cuda::paddedChannels(8) == 8);
    BOOST_TEST(cuda::paddedChannels(9) == 16);
}

// Every device gives a block this much shared memory without being asked for more.
template <class... Kernels>
bool sharedFits(const cuda::KernelList<Kernels...>&) {
    return std::max({sizeof(typename Kernels::Shared)...}) <= 48 * 1024 && std::max({Kernels::kThreads...}) <= 1024;
}
BOOST_AUTO_TEST_CASE(blocks_fit_every_device) {
    BOOST_TEST(sharedFits(cuda::AllKernels()));
}

// ---- images on their way ----

// Chunks that are copied on while later ones arrive: each copy must see its own.
BOOST_AUTO_TEST_CASE(a_chunk_waits_until_its_place_is_free) {
    for (const bool late : {false, true}) {
        HostSettings settings;
        settings.late = late;
        const auto device = std::make_shared<HostDevice>(settings);
        const auto pool = std::make_shared<cuda::MemoryPool>(device);
        const size_t bytes = 24;
        const int chunks = 7;
        cuda::ImageFeed feed(*pool, bytes);
        const cuda::Memory seen = pool->take(bytes * chunks);
        std::vector<uint8_t> given(bytes * chunks);
        for (size_t i = 0; i < given.size(); ++i) given[i] = uint8_t(1 + i);
        for (size_t k = 0; k < chunks; ++k) {
            const size_t count = k == 4 ? 5 : bytes;  // the rest is zero, whatever was there before
            const uint8_t* there = feed.send(given.data() + k * bytes, count);
            device->copy(seen.as<uint8_t>() + k * bytes, there, bytes);
            feed.done();
            if (k == 4) std::fill_n(given.begin() + long(k * bytes + count), bytes - count, uint8_t(0));
        }
        std::vector<uint8_t> found(given.size());
        device->download(found.data(), seen.as<uint8_t>(), found.size());
        BOOST_TEST(found == given, boost::test_tools::per_element());
    }
}

// ---- plan ----

BOOST_AUTO_TEST_CASE(the_budget_of_a_chunk_fits_the_device) {
    BOOST_TEST(cuda::chunkBudget(size_t(139) << 30) == size_t(512) << 20);
    BOOST_TEST(cuda::chunkBudget(size_t(8) << 30) == size_t(512) << 20);
    BOOST_TEST(cuda::chunkBudget((size_t(8) << 30) - 1) == size_t(256) << 20);
    BOOST_TEST(cuda::chunkBudget(size_t(2) << 30) == size_t(128) << 20);
    BOOST_TEST(cuda::chunkBudget(0) == size_t(32) << 20);
}

BOOST_AUTO_TEST_CASE(chunks_are_powers_of_two_within_the_budget) {
    const Architecture architecture = everyOp();
    int last = 0;
    for (const size_t bytes : {size_t(1), size_t(100) << 10, size_t(1) << 20, size_t(1) << 40}) {
        const int chunk = cuda::chunkImages(architecture, bytes, 4);
        BOOST_TEST((chunk & (chunk - 1)) == 0);
        BOOST_TEST(chunk >= std::max(1, last));
        BOOST_TEST(chunk <= 256);
        BOOST_TEST(cuda::chunkImages(architecture, bytes, 2) >= chunk);
        last = chunk;
    }
    BOOST_TEST(last == 256);
}
