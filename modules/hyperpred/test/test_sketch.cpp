// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE sketch
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "drawn_model.hpp"
#include "hypernetwork.hpp"
#include "sketch.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

const int kEdge = kSketchSize, kPixels = kEdge * kEdge;
// Results are floats made of double sums of values up to 1: a few float roundings.
const double kTolerance = 1e-6;
// Reordered sums and second formulas that cancel (E[xy] - E[x] E[y]) in double of float inputs.
const double kSecondFormula = 2e-6;

using Planes = std::vector<float>;  // 3 x 32 x 32
using Numbers = std::vector<float>;

template <class Value>
Planes paint(const Value& value) {
    Planes planes;
    for (int c = 0; c < 3; ++c) {
        for (int r = 0; r < kEdge; ++r) {
            for (int x = 0; x < kEdge; ++x) planes.push_back(float(value(c, r, x)));
        }
    }
    return planes;
}

Planes noise(uint32_t seed) {
    std::mt19937 chance(seed);
    return paint([&](int c, int r, int x) { return double(chance() % 256) / 255 * (c + 1) / 3 + 0.01 * (r - x) / 32; });
}

Numbers statisticsOf(const Planes& planes) {
    Numbers out(kStatsFeatures);
    imageStatistics(planes.data(), out.data());
    return out;
}

void near(double value, double expected, double tolerance, const std::string& what) {
    BOOST_TEST(std::abs(value - expected) <= tolerance, what << ": " << value << ", expected " << expected);
}

void near(const Numbers& values, const Numbers& expected, double tolerance, const std::string& what) {
    BOOST_REQUIRE_EQUAL(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i) {
        near(double(values[i]), double(expected[i]), tolerance, what + " " + std::to_string(i));
    }
}

double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / double(values.size());
}

// doc/model.md read out literally, with every mean as its own list.
struct Literal {
    std::vector<double> r, g, b, lum;

    explicit Literal(const Planes& p)
        : r(p.begin(), p.begin() + kPixels), g(p.begin() + kPixels, p.begin() + 2 * kPixels),
          b(p.begin() + 2 * kPixels, p.end()) {
        for (size_t i = 0; i < r.size(); ++i) lum.push_back(0.299 * r[i] + 0.587 * g[i] + 0.114 * b[i]);
    }
    static double at(const std::vector<double>& plane, int row, int column, int edge = kEdge) {
        return plane[size_t(row * edge + column)];
    }
    static double covariance(const std::vector<double>& a, const std::vector<double>& b) {
        std::vector<double> products;
        for (size_t i = 0; i < a.size(); ++i) products.push_back(a[i] * b[i]);
        return mean(products) - mean(a) * mean(b);
    }
    static double gradient(const std::vector<double>& plane, int down, int right) {
        std::vector<double> steps;
        for (int row = 0; row + down < kEdge; ++row) {
            for (int c = 0; c + right < kEdge; ++c) {
                steps.push_back(std::abs(at(plane, row + down, c + right) - at(plane, row, c)));
            }
        }
        return mean(steps);
    }
    static std::vector<double> halved(const std::vector<double>& plane, int edge) {
        std::vector<double> result;
        for (int row = 0; row < edge; row += 2) {
            for (int c = 0; c < edge; c += 2) {
                result.push_back(mean({at(plane, row, c, edge), at(plane, row, c + 1, edge),
                                       at(plane, row + 1, c, edge), at(plane, row + 1, c + 1, edge)}));
            }
        }
        return result;
    }
    double band(int level) const {
        std::vector<double> plane = lum, off;
        int edge = kEdge;
        for (int i = 0; i < level; ++i, edge /= 2) plane = halved(plane, edge);
        const std::vector<double> smaller = halved(plane, edge);
        for (int row = 0; row < edge; ++row) {
            for (int c = 0; c < edge; ++c) {
                off.push_back(std::abs(at(plane, row, c, edge) - at(smaller, row / 2, c / 2, edge / 2)));
            }
        }
        return mean(off);
    }
    double diagonal() const {
        std::vector<double> products;
        for (int row = 0; row <= 30; ++row) {
            for (int c = 0; c <= 30; ++c) {
                products.push_back((at(lum, row, c + 1) - at(lum, row, c)) * (at(lum, row + 1, c) - at(lum, row, c)));
            }
        }
        return 16 * mean(products);
    }
    double skewness() const {
        const double m1 = mean(lum), variance = covariance(lum, lum);
        std::vector<double> cubes;
        for (const double value : lum) cubes.push_back(value * value * value);
        return (mean(cubes) - 3 * m1 * variance - m1 * m1 * m1) / std::pow(variance + 1e-4, 1.5);
    }
};

struct Permutation {
    const char* name;
    int source[3];  // plane c of the permuted image is plane source[c]
    int pairs[3];   // and covariance i is covariance pairs[i]
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_plain_image_has_its_means_and_nothing_else) {
    const double colour[3] = {0.25, 0.5, 0.875};
    const Numbers f = statisticsOf(paint([&](int c, int, int) { return colour[c]; }));
    Numbers expected(kStatsFeatures, 0.f);
    for (size_t c = 0; c < 3; ++c) expected[c] = float(colour[c]), expected[3 + c] = 1e-4f;
    expected[23] = 1e-4f;
    near(f, expected, kTolerance, "feature");
}

BOOST_AUTO_TEST_CASE(a_white_upper_half_has_the_numbers_of_a_pencil_calculation) {
    const Numbers f = statisticsOf(paint([](int, int r, int) { return r < 16 ? 1 : 0; }));
    Numbers expected(kStatsFeatures, 0.f);
    for (size_t c = 0; c < 3; ++c) {
        expected[c] = 0.5f;
        expected[3 + c] = 0.5f;
        expected[6 + c] = 1.f;
        expected[12 + c] = 1.f / 31;
    }
    expected[18] = 1.f;
    expected[23] = 0.5f;
    near(f, expected, kTolerance, "feature");
}

BOOST_AUTO_TEST_CASE(each_band_answers_to_its_own_checkerboard) {
    for (int band = 0; band < 3; ++band) {
        const int square = 1 << band;
        const Numbers f = statisticsOf(paint([&](int, int r, int c) { return (r / square + c / square) % 2; }));
        for (int i = 0; i < 3; ++i) near(double(f[15 + size_t(i)]), i == band ? 0.5 : 0, kTolerance, "band");
    }
}

BOOST_AUTO_TEST_CASE(the_diagonal_term_sees_the_direction_of_an_edge) {
    const auto checkers = paint([](int, int r, int c) { return (r + c) % 2; });
    near(double(statisticsOf(checkers)[21]), 16, 1e-5, "checkerboard");
    const auto rising = paint([](int, int r, int c) { return (r + c) / 62.0; });
    const auto falling = paint([](int, int r, int c) { return (31 - r + c) / 62.0; });
    near(double(statisticsOf(rising)[21]), 16.0 / 62 / 62, kTolerance, "along both axes");
    near(double(statisticsOf(falling)[21]), -16.0 / 62 / 62, kTolerance, "against each other");
}

BOOST_AUTO_TEST_CASE(a_bright_centre_shows_in_centre_and_skewness) {
    const Numbers f = statisticsOf(paint([](int, int r, int c) { return r >= 8 && r < 24 && c >= 8 && c < 24; }));
    near(double(f[20]), 0.75, kTolerance, "centre minus all");
    near(double(f[22]), 0.09375 / std::pow(0.1875 + 1e-4, 1.5), kTolerance, "skewness");
}

BOOST_AUTO_TEST_CASE(an_arbitrary_image_agrees_with_the_page_read_literally) {
    for (uint32_t seed = 0; seed < 7; ++seed) {
        const Planes planes = noise(seed);
        const Literal l(planes);
        const std::vector<double>* colour[3] = {&l.r, &l.g, &l.b};
        Numbers expected(kStatsFeatures, 0.f);
        for (size_t c = 0; c < 3; ++c) {
            expected[c] = float(mean(*colour[c]));
            expected[3 + c] = float(std::sqrt(Literal::covariance(*colour[c], *colour[c]) + 1e-8));
            expected[9 + c] = float(Literal::gradient(*colour[c], 0, 1));
            expected[12 + c] = float(Literal::gradient(*colour[c], 1, 0));
            expected[15 + c] = float(l.band(int(c)));
        }
        expected[6] = float(4 * Literal::covariance(l.r, l.g));
        expected[7] = float(4 * Literal::covariance(l.r, l.b));
        expected[8] = float(4 * Literal::covariance(l.g, l.b));
        std::vector<double> upper, lower, left, right, centre;
        for (int i = 0; i < kPixels; ++i) {
            const int r = i / kEdge, c = i % kEdge;
            (r < 16 ? upper : lower).push_back(l.lum[size_t(i)]);
            (c < 16 ? left : right).push_back(l.lum[size_t(i)]);
            if (r >= 8 && r <= 23 && c >= 8 && c <= 23) centre.push_back(l.lum[size_t(i)]);
        }
        expected[18] = float(mean(upper) - mean(lower));
        expected[19] = float(mean(left) - mean(right));
        expected[20] = float(mean(centre) - mean(l.lum));
        expected[21] = float(l.diagonal());
        expected[22] = float(l.skewness());
        expected[23] = float(std::sqrt(Literal::covariance(l.lum, l.lum) + 1e-8));
        near(statisticsOf(planes), expected, kSecondFormula, "feature");
    }
}

BOOST_AUTO_TEST_CASE(flips_turn_the_sign_of_one_feature_and_leave_the_rest) {
    const Planes planes = noise(11);
    const auto pixel = [&](int c, int r, int x) { return planes[size_t((c * kEdge + r) * kEdge + x)]; };
    Numbers mirrored = statisticsOf(planes), upended = mirrored, transposed = mirrored;
    const Numbers sideways = statisticsOf(paint([&](int c, int r, int x) { return pixel(c, r, 31 - x); }));
    const Numbers over = statisticsOf(paint([&](int c, int r, int x) { return pixel(c, 31 - r, x); }));
    mirrored[19] = -mirrored[19];
    upended[18] = -upended[18];
    mirrored[21] = sideways[21];  // pairs a pixel with its right and lower neighbour, so a flip makes other pairs
    upended[21] = over[21];
    near(sideways, mirrored, kTolerance, "mirrored, feature");
    near(over, upended, kTolerance, "upside down, feature");
    for (size_t c = 0; c < 3; ++c) std::swap(transposed[9 + c], transposed[12 + c]);
    std::swap(transposed[18], transposed[19]);
    near(statisticsOf(paint([&](int c, int r, int x) { return pixel(c, x, r); })), transposed, kTolerance,
         "transposed, feature");
}

BOOST_AUTO_TEST_CASE(permuted_channels_permute_their_features) {
    const Planes planes = noise(12);
    const Numbers f = statisticsOf(planes);
    const Permutation permutations[] = {{"GRB", {1, 0, 2}, {0, 2, 1}}, {"BGR", {2, 1, 0}, {2, 1, 0}},
                                        {"BRG", {2, 0, 1}, {1, 2, 0}}};
    for (const Permutation& permutation : permutations) {
        const Numbers g = statisticsOf(paint([&](int c, int r, int x) {
            return planes[size_t((permutation.source[c] * kEdge + r) * kEdge + x)];
        }));
        for (const size_t group : {size_t(0), size_t(3), size_t(9), size_t(12)}) {
            for (size_t c = 0; c < 3; ++c) BOOST_TEST(g[group + c] == f[group + size_t(permutation.source[c])]);
        }
        for (size_t i = 0; i < 3; ++i) BOOST_TEST(g[6 + i] == f[6 + size_t(permutation.pairs[i])], permutation.name);
    }
}

// Every size is compared with the image blown up to 32 times its edge, where each output pixel is whole pixels.
BOOST_AUTO_TEST_CASE(planes_are_area_averages_in_rgb_order) {
    for (const int size : {8, 17, 32, 45, 64, 96}) {
        std::mt19937 chance(static_cast<uint32_t>(size));
        std::vector<uint8_t> bgr(size_t(size * size * 3));
        for (uint8_t& byte : bgr) byte = uint8_t(chance() >> 24);
        Planes planes(3 * kPixels, -1.f);
        sketchPlanes(bgr.data(), size, planes.data());
        for (int c = 0; c < 3; ++c) {
            for (int r = 0; r < kEdge; r += 5) {
                for (int x = 0; x < kEdge; x += 3) {
                    int64_t sum = 0;
                    for (int y = r * size; y < (r + 1) * size; ++y) {
                        for (int u = x * size; u < (x + 1) * size; ++u) {
                            sum += bgr[size_t((y / kEdge * size + u / kEdge) * 3 + 2 - c)];
                        }
                    }
                    near(double(planes[size_t((c * kEdge + r) * kEdge + x)]), double(sum) / size / size / 255,
                         kTolerance, "plane of size " + std::to_string(size));
                }
            }
        }
        BOOST_TEST(*std::min_element(planes.begin(), planes.end()) >= 0.f);
    }
}

BOOST_AUTO_TEST_CASE(pooling_of_six_images_agrees_with_a_pencil_calculation) {
    // Class 0: 1, 3 (mean 2, deviation 1); class 1: 10 (0); class 2: 2, 2, 6 (10 / 3, sqrt(32 / 9)).
    const std::vector<int> labels = {2, 0, 1, 2, 0, 2};
    const Numbers pooled = poolByLabel({2, 1, 10, 2, 3, 6}, labels, 1);
    const double classMean = (2 + 10 + 10.0 / 3) / 3;
    const double between = ((2 - classMean) * (2 - classMean) + (10 - classMean) * (10 - classMean) +
                            (10.0 / 3 - classMean) * (10.0 / 3 - classMean)) / 3;
    const double within = (1 + 1e-4 + std::sqrt(32.0 / 9)) / 3;
    near(pooled, {4.f, float(std::sqrt(58.0 / 6)), float(within), float(std::sqrt(between))}, kTolerance, "pooled");
}

BOOST_AUTO_TEST_CASE(classes_of_one_image_have_no_deviation_within) {
    const Numbers pooled = poolByLabel({1, -2, 5, 4, 0.5f, 9}, {1, 0, 2}, 2);
    near(double(pooled[4]), 1e-4, 1e-10, "within");
    near(double(pooled[5]), 1e-4, 1e-10, "within");
    BOOST_TEST(pooled[6] == pooled[2]);  // each image is its class mean
    BOOST_TEST(pooled[7] == pooled[3]);
}

BOOST_AUTO_TEST_CASE(pooling_blocks_are_of_the_features_and_ignore_order_and_class_numbers) {
    const int columns = 5, images = 23, classes = 4;
    const Tensor draw = drawn("pooling", {images, columns}, 3.f);
    std::vector<int> labels, renamed;
    for (int i = 0; i < images; ++i) labels.push_back(i % classes), renamed.push_back(classes - 1 - i % classes);
    const Numbers pooled = poolByLabel(draw.values, labels, columns);
    near(poolByLabel(draw.values, renamed, columns), pooled, kTolerance, "renamed");
    Numbers backwards;
    std::vector<int> backwardLabels(labels.rbegin(), labels.rend());
    for (int i = images - 1; i >= 0; --i) {
        backwards.insert(backwards.end(), draw.values.begin() + i * columns, draw.values.begin() + (i + 1) * columns);
    }
    near(poolByLabel(backwards, backwardLabels, columns), pooled, kTolerance, "backwards");
    for (int column = 0; column < columns; ++column) {
        Numbers alone;
        for (int i = 0; i < images; ++i) alone.push_back(draw.values[size_t(i * columns + column)]);
        const Numbers expected = poolByLabel(alone, labels, 1);
        for (int block = 0; block < 4; ++block) {
            BOOST_TEST(pooled[size_t(block * columns + column)] == expected[size_t(block)]);
        }
    }
}

// A class of 100 and a class of 2 count the same in the within-class deviation.
BOOST_AUTO_TEST_CASE(each_class_weighs_the_same) {
    Numbers features;
    std::vector<int> labels;
    for (int i = 0; i < 100; ++i) features.push_back(i % 2 ? 4.f : -4.f), labels.push_back(0);
    for (int i = 0; i < 2; ++i) features.push_back(i % 2 ? 1.f : -1.f), labels.push_back(1);
    near(double(poolByLabel(features, labels, 1)[2]), 2.5, kTolerance, "within");
}

BOOST_AUTO_TEST_CASE(a_far_mean_does_not_cancel_the_deviation) {
    const Numbers pooled = poolByLabel({4096.25f, 4096.75f, 4096.25f, 4096.75f}, {0, 0, 1, 1}, 1);
    near(pooled, {4096.5f, 0.25f, 0.25f, 1e-4f}, kTolerance, "pooled");
}

// A sample of 1,000 images of 1,200 classes: the classes that it misses must not count (nor give NaN).
BOOST_AUTO_TEST_CASE(class_numbers_without_an_image_do_not_count) {
    const Numbers features = drawn("gaps", {7, 3}).values;
    BOOST_TEST((poolByLabel(features, {9, 4, 4, 0, 9, 0, 4}, 3) == poolByLabel(features, {2, 1, 1, 0, 2, 0, 1}, 3)));
}

BOOST_AUTO_TEST_CASE(features_that_do_not_fit_the_labels_are_refused) {
    BOOST_TEST(sentenceOf([] { poolByLabel({1, 2, 3}, {0, 1}, 2); }).find("3 features of 2") != std::string::npos);
    BOOST_TEST(sentenceOf([] { poolByLabel({}, {}, 3); }).find("0 images") != std::string::npos);
}

namespace {

Tensors sketchTensors(const HyperConfig& config) {
    Tensors tensors;
    const int64_t d = config.width, pooled = config.encoder == "conv" ? 512 : 96;
    const int64_t channels[] = {3, 32, 64, 128, 128};
    for (size_t i = 0; i < 4 && config.encoder == "conv"; ++i) {
        add(tensors, "sketch.conv" + std::to_string(i) + ".weight", {channels[i + 1], channels[i], 3, 3});
        add(tensors, "sketch.conv" + std::to_string(i) + ".bias", {channels[i + 1]});
    }
    add(tensors, "sketch.norm.weight", {pooled});
    add(tensors, "sketch.norm.bias", {pooled});
    add(tensors, "sketch.hidden.weight", {d, pooled});
    add(tensors, "sketch.hidden.bias", {d});
    add(tensors, "sketch.out.weight", {d, d});
    add(tensors, "sketch.out.bias", {d});
    return tensors;
}

HyperConfig configOf(const std::string& encoder, int width) {
    HyperConfig config;
    config.encoder = encoder;
    config.width = width;
    return config;
}

// LayerNorm by the definition and E[x^2] - E[x]^2, GELU by erfc, in long double.
std::vector<double> slowSketch(const Tensors& t, const Numbers& pooled) {
    const auto at = [&t](const std::string& name, size_t i) { return (long double)(t.at("sketch." + name).values[i]); };
    const size_t in = pooled.size(), d = t.at("sketch.out.bias").values.size();
    long double first = 0, second = 0;
    for (const float value : pooled) first += value, second += (long double)value * value;
    const long double average = first / (long double)in, variance = second / (long double)in - average * average;
    std::vector<long double> hidden(d);
    for (size_t o = 0; o < d; ++o) {
        long double sum = at("hidden.bias", o);
        for (size_t i = 0; i < in; ++i) {
            const long double normal = (pooled[i] - average) / std::sqrt(variance + 1e-5L);
            sum += at("hidden.weight", o * in + i) * (normal * at("norm.weight", i) + at("norm.bias", i));
        }
        hidden[o] = sum * std::erfc(-sum / std::sqrt(2.0L)) / 2;
    }
    std::vector<double> out(d);
    for (size_t o = 0; o < d; ++o) {
        long double sum = at("out.bias", o);
        for (size_t i = 0; i < d; ++i) sum += at("out.weight", o * d + i) * hidden[i];
        out[o] = double(sum);
    }
    return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_sketch_agrees_with_the_page_read_literally) {
    for (const char* encoder : {"stats", "conv"}) {
        const HyperConfig config = configOf(encoder, 13);
        const Tensors tensors = sketchTensors(config);
        const SketchParameters parameters = readSketch(inMemory(tensors), config);
        const Numbers pooled = drawn("pooled", tensors.at("sketch.norm.bias").shape, 2.f).values;
        const Numbers sketch = sketchFromPooled(parameters, pooled);
        const std::vector<double> expected = slowSketch(tensors, pooled);
        BOOST_REQUIRE_EQUAL(sketch.size(), expected.size());
        for (size_t i = 0; i < sketch.size(); ++i) {
            near(double(sketch[i]), expected[i], 1e-5, "sketch");  // floats between the layers, values up to 10
        }
    }
}

BOOST_AUTO_TEST_CASE(the_sketch_forgets_scale_and_offset_of_the_pooled_vector) {
    const HyperConfig config = configOf("stats", 7);
    const SketchParameters parameters = readSketch(inMemory(sketchTensors(config)), config);
    Numbers pooled = drawn("pooled", {96}, 4.f).values;
    const Numbers before = sketchFromPooled(parameters, pooled);
    for (float& value : pooled) value = 3 * value - 5;
    near(sketchFromPooled(parameters, pooled), before, 1e-4, "sketch");  // the epsilon of LayerNorm is all that differs
    pooled[3] += 20;
    BOOST_TEST(std::abs(sketchFromPooled(parameters, pooled)[0] - before[0]) > 0.01f);
}

BOOST_AUTO_TEST_CASE(reading_takes_each_tensor_to_its_place) {
    for (const char* encoder : {"stats", "conv"}) {
        const HyperConfig config = configOf(encoder, 9);
        const Tensors tensors = sketchTensors(config);
        const SketchParameters p = readSketch(inMemory(tensors), config);
        const bool conv = config.encoder == "conv";
        BOOST_TEST(p.conv == conv);
        BOOST_TEST(p.width == 9);
        BOOST_TEST(imageFeatureCount(p) == (conv ? 128 : 24));
        BOOST_REQUIRE_EQUAL(p.convWeight.size(), conv ? 4u : 0u);
        for (size_t i = 0; i < p.convWeight.size(); ++i) {
            const std::string stem = "sketch.conv" + std::to_string(i);
            BOOST_TEST((p.convWeight[i].values == tensors.at(stem + ".weight").values));
            BOOST_TEST((p.convBias[i].values == tensors.at(stem + ".bias").values));
        }
        BOOST_TEST((p.normWeight.values == tensors.at("sketch.norm.weight").values));
        BOOST_TEST((p.normBias.values == tensors.at("sketch.norm.bias").values));
        BOOST_TEST((p.hiddenWeight.values == tensors.at("sketch.hidden.weight").values));
        BOOST_TEST((p.hiddenBias.values == tensors.at("sketch.hidden.bias").values));
        BOOST_TEST((p.outWeight.values == tensors.at("sketch.out.weight").values));
        BOOST_TEST((p.outBias.values == tensors.at("sketch.out.bias").values));
    }
}

BOOST_AUTO_TEST_CASE(a_wrong_shape_is_refused_with_the_name_of_the_tensor) {
    for (const auto& item : sketchTensors(configOf("conv", 9))) {
        Tensors wrong = sketchTensors(configOf("conv", 9));
        Tensor& tensor = wrong[item.first];
        tensor.shape.insert(tensor.shape.begin(), 1);
        const std::string sentence = sentenceOf([&] { readSketch(inMemory(wrong), configOf("conv", 9)); });
        BOOST_TEST(sentence.find("\"" + item.first + "\"") != std::string::npos, sentence);
    }
}
