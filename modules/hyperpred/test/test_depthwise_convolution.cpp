// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE depthwise_convolution
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <random>

#include "cpu/convolution.hpp"
#include "cpu/kernels.hpp"
#include "reference/plain_loops.hpp"

// The row kernel of every instruction set that this processor has, and the layer that feeds it, at odd sizes.

namespace cv {
namespace hyperpred {
namespace cpu {
const Kernels& kernelsBaseline(const char* name);
#if defined(__x86_64__) && defined(__GNUC__)
const Kernels& kernelsAvx2(const char* name);
const Kernels& kernelsAvx512(const char* name);
#endif
}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

using namespace cv::hyperpred;
using namespace cv::hyperpred::cpu;

namespace {

const double kTolerance = 5e-6;  // of sums of up to 49 products of about 1, in float

std::vector<const Kernels*> allKernels() {
    std::vector<const Kernels*> all = {&kernelsBaseline("baseline")};
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&kernelsAvx2("AVX2"));
    if (kernels().lanes == 16) all.push_back(&kernelsAvx512("AVX-512"));
#endif
    return all;
}

std::vector<float> draw(size_t count, unsigned seed) {
    std::mt19937 chance(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(chance);
    return values;
}

double apart(const std::vector<float>& found, const std::vector<double>& expected) {
    if (found.size() != expected.size()) return HUGE_VAL;
    double most = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return HUGE_VAL;
        most = std::max(most, std::abs(double(found[i]) - expected[i]) / (1 + std::abs(expected[i])));
    }
    return most;
}

// A row of results and all that it is made of.
struct Row {
    Row(int kernel, int stride, int width, int channels) {
        task.kernel = kernel;
        task.stride = stride;
        task.width = width;
        task.channels = channels;
        task.columns = (width - 1) * stride + kernel;
        const size_t deep = size_t(channels), taps = size_t(kernel * kernel), pixels = size_t(kernel * task.columns);
        input = draw(pixels * deep, 1);
        weights = draw(taps * deep, 2);
        bias = draw(deep, 3);
        other = draw(size_t(width) * deep, 4);
        for (size_t i = 0; i < pixels; ++i) at.push_back(input.data() + i * deep);
        task.pixels = at.data();
        task.weights = weights.data();
    }
    Row(const Row&) = delete;

    std::vector<float> run(const Kernels& kernels, int epilogue) {
        std::vector<float> out(other.size(), NAN);
        task.bias = epilogue & 1 ? bias.data() : nullptr;
        task.other = epilogue & 2 ? other.data() : nullptr;
        task.relu = epilogue & 4;
        task.out = out.data();
        kernels.depthwiseRow(task);
        return out;
    }

    std::vector<double> expected(int epilogue) const {
        std::vector<double> result;
        for (int x = 0; x < task.width; ++x) {
            for (int c = 0; c < task.channels; ++c) {
                double sum = 0;
                for (int k = 0; k < task.kernel * task.kernel; ++k) {
                    const int pixel = k / task.kernel * task.columns + x * task.stride + k % task.kernel;
                    sum += double(at[size_t(pixel)][c]) * double(weights[size_t(k * task.channels + c)]);
                }
                if (epilogue & 1) sum += double(bias[size_t(c)]);
                if (epilogue & 2) sum += double(other[size_t(x * task.channels + c)]);
                result.push_back(epilogue & 4 ? std::max(sum, 0.0) : sum);
            }
        }
        return result;
    }

    std::vector<float> input, weights, bias, other;
    std::vector<const float*> at;
    DepthwiseTask task;
};

}  // namespace

// Windows and strides with loops of their own and others; rows of whole blocks and of what is left over.
BOOST_AUTO_TEST_CASE(rows_agree_with_plain_loops) {
    for (const Kernels* kernels : allKernels()) {
        for (const int kernel : {1, 2, 3, 5, 7}) {
            for (const int stride : {1, 2, 3}) {
                for (const int width : {1, 2, 3, 4, 7, 10}) {
                    for (const int channels : {1, 5, 8, 19, 32, 37}) {
                        Row row(kernel, stride, width, channels);
                        const int epilogue = (kernel + stride + width + channels) % 8;
                        BOOST_TEST(apart(row.run(*kernels, epilogue), row.expected(epilogue)) < kTolerance,
                                   kernels->name << ", window " << kernel << ", stride " << stride << ", " << width
                                                 << " x " << channels);
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(what_follows_is_done_where_it_is_asked_for) {
    for (const Kernels* kernels : allKernels()) {
        for (const int channels : {4, 21}) {
            Row row(3, 1, 7, channels);
            for (int epilogue = 0; epilogue < 8; ++epilogue) {
                BOOST_TEST(apart(row.run(*kernels, epilogue), row.expected(epilogue)) < kTolerance,
                           kernels->name << ", epilogue " << epilogue);
            }
        }
    }
}

// The bits of a result must not depend on where in a row it stands: batches and borders would show.
BOOST_AUTO_TEST_CASE(a_pixel_has_the_same_bits_at_any_place) {
    for (const Kernels* kernels : allKernels()) {
        for (const int stride : {1, 2}) {
            Row row(3, stride, 9, 27);
            const std::vector<float> all = row.run(*kernels, 0);
            const DepthwiseTask whole = row.task;
            for (int first = 0; first < 9; ++first) {
                for (int width = 1; first + width <= 9; ++width) {
                    std::vector<float> part(size_t(width) * 27, NAN);
                    DepthwiseTask task = whole;
                    task.pixels += first * stride;  // the rows stay as far apart
                    task.width = width;
                    task.out = part.data();
                    kernels->depthwiseRow(task);
                    BOOST_TEST(std::equal(part.begin(), part.end(), all.begin() + first * 27));
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(layers_agree_with_the_reference) {
    struct Case {
        int channels, height, width, kernel, stride, pad;
    };
    for (const Case& c :
         {Case{3, 13, 11, 3, 1, 1}, Case{17, 9, 9, 3, 2, 1}, Case{8, 2, 2, 3, 1, 1}, Case{40, 7, 5, 5, 2, 2},
          Case{9, 6, 1, 2, 1, 1}, Case{33, 4, 4, 4, 3, 0}, Case{16, 15, 15, 15, 1, 14}, Case{24, 1, 1, 3, 1, 1}}) {
        const Shape in{c.channels, c.height, c.width};
        const Shape out{c.channels, (c.height + 2 * c.pad - c.kernel) / c.stride + 1,
                        (c.width + 2 * c.pad - c.kernel) / c.stride + 1};
        const int images = 3;
        const size_t deep = size_t(c.channels), map = size_t(c.height * c.width), to = size_t(out.height * out.width);
        const std::vector<float> values = draw(images * map * deep, 5), scale = draw(deep, 6);
        Tensor kernel;
        kernel.shape = {c.channels, 1, c.kernel, c.kernel};
        kernel.values = draw(deep * size_t(c.kernel * c.kernel), 7);

        const auto layer = createConvolution({in, out, c.kernel, c.stride, c.pad, true});
        const Buffer packed = layer->pack(kernel.values.data(), scale.data(), Workers(1));
        std::vector<float> found(images * to * deep, NAN), scratch(layer->scratchFloats(images), NAN);
        layer->run(packed, values.data(), images, {}, found.data(), scratch.data());
        for (size_t n = 0; n < images; ++n) {
            std::vector<float> planes(map * deep), result;
            for (size_t i = 0; i < map * deep; ++i) planes[i % deep * map + i / deep] = values[n * map * deep + i];
            std::vector<double> expected;
            const std::vector<float> judge = reference::convolve(planes, in, kernel, c.stride, c.pad, out);
            for (size_t i = 0; i < to * deep; ++i) {
                result.push_back(found[(n * to + i % to) * deep + i / to]);
                expected.push_back(double(judge[i]) * double(scale[i / to]));
            }
            BOOST_TEST(apart(result, expected) < 10 * kTolerance, c.channels << " x " << c.height << " x " << c.width);
        }
    }
}
