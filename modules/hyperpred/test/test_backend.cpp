// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE backend
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "backend.hpp"
#include "calibration.hpp"
#include "cuda/cuda_backend.hpp"
#include "cuda/device_backend.hpp"
#include "features.hpp"
#include "host_device.hpp"
#include "random_hypernetwork.hpp"
#include "sentence.hpp"
#include "small_nets.hpp"

// One list of properties that every backend of this build has, with the reference as judge where numbers are compared.

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
namespace cuda = cv::hyperpred::cuda;

namespace {

const double kWeights = 1e-5;     // floats summed in another order
const double kStatistics = 1e-4;  // Winograd's transforms lose a digit
const double kFeatures = 2e-3;    // after all layers
// In half precision every activation is off by up to 2^-11 of itself. Means over a few hundred values leave a part of
// that; the test networks' last maps have one to sixteen pixels, a few images and channels, and leave all of it.
const double kHalfStatistics = 2e-2;
const double kHalfFeatures = 2e-2;

// ---- backends ----

// The CUDA backend's own code on the host executor: tested on every machine, with a GPU or without.
const char* const kHostExact = "cuda on the host, float";
const char* const kHostHalf = "cuda on the host, half precision";

bool isHalf(const std::string& name) {
    return name == kHostHalf || name == "cuda";
}

std::shared_ptr<HostDevice> hostDevice(bool half, int threads) {
    HostSettings settings;
    // Of threads, a device has none; what else must not matter takes their place.
    settings.backwards = threads % 2 == 0;
    settings.late = settings.clusters = half;
    return std::make_shared<HostDevice>(settings);
}

// A device that fails must not be hidden by the CPU that finishes in its place.
void retire(Backend* backend) {
    const std::string device = backend->device();
    delete backend;
    BOOST_TEST(device.find("(instead of") == std::string::npos, device);
}

std::shared_ptr<Backend> makeBackend(const std::string& name, const std::shared_ptr<const HyperNetwork>& hyper,
                                     int threads = 0) {
    if (name == kHostExact || name == kHostHalf) {
        return cuda::createDeviceBackend(hyper, hostDevice(name == kHostHalf, threads), name == kHostHalf);
    }
    return std::shared_ptr<Backend>(createBackend(name, hyper, threads).release(), retire);
}

// All of this build and machine, or those that HYPERPRED_TEST_BACKENDS names (scripts/gpu_check.sh: a GPU's alone).
std::vector<std::string> backends() {
    const char* wanted = std::getenv("HYPERPRED_TEST_BACKENDS");
    if (wanted && *wanted) {
        std::istringstream words(wanted);
        return {std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
    }
    std::vector<std::string> names = availableBackends();
    names.push_back(kHostExact);
    names.push_back(kHostHalf);
    return names;
}

// ---- cases ----

// Channels that fill no register, edges 14, 7 and 4, shortcuts of both kinds.
Architecture oddChannels() {
    DocumentBuilder build(27);
    const std::string stem = build.convNormRelu("image", 17, 3, 2, 1);
    const std::string first = build.residual(stem, 17, 33, 2);
    const std::string second = build.residual(first, 33, 33, 1);
    const std::string third = build.residual(second, 33, 5, 2);
    return build.build({stem, second, third});
}

// Channels and maps as fast paths like them, with a large map that is pooled, edges that their tiles do not divide, and
// maps of 4, 2 and 1 pixels.
Architecture roundChannels() {
    DocumentBuilder build(27);
    const std::string stem = build.convNormRelu("image", 32, 7, 1, 3);
    const std::string pooled = build.pool("max_pool", stem, 3, 2, 1);
    const std::string first = build.residual(pooled, 32, 32, 1);
    const std::string second = build.residual(first, 32, 64, 2);
    const std::string third = build.residual(second, 64, 64, 2);
    const std::string fourth = build.residual(third, 64, 96, 2);
    return build.build({first, second, third, build.convNormRelu(fourth, 64, 3, 2, 1)});
}

// Legal, and no block of any known network: nodes on the bare image, batch-norms without convolution, convolutions
// without batch-norm before pooling, addition and relu, outputs with several readers.
Architecture strange() {
    DocumentBuilder build(19);
    const std::string image = build.unary("batch_norm", build.unary("relu", "image"));
    const std::string bare = build.sum(build.conv("image", 3, 3, 1, 1), "image");
    const std::string both = build.unary("relu", build.sum(image, bare));
    const std::string pooledBare = build.unary("relu", build.pool("max_pool", build.conv(both, 9, 3, 1, 0), 2, 2, 1));
    const std::string split = build.conv(pooledBare, 9, 3, 1, 1);
    const std::string left = build.unary("batch_norm", split), right = build.unary("relu", split);
    const std::string joined = build.unary("relu", build.sum(left, right));
    const std::string pooled = build.unary("batch_norm", build.pool("avg_pool", joined, 3, 2, 0));
    const std::string twice = build.unary("batch_norm", build.unary("batch_norm", build.conv(pooled, 7, 1, 1, 0)));
    const std::string last = build.unary("batch_norm", build.conv(twice, 6, 2, 1, 1));
    const std::string greatest = build.pool("max_pool", last, 2, 1, 0);
    const std::string mean = build.unary("global_pool", build.unary("relu", greatest));
    return build.build({bare, pooledBare, joined, twice, greatest, mean});
}

std::vector<Architecture> architectures() {
    return {everyOp(),     oddChannels(), roundChannels(), strange(), randomArchitecture(3), randomArchitecture(8),
            depthwiseNet()};
}

HyperConfig config(const std::string& form, const std::string& encoder, int layers = 1) {
    HyperConfig result;
    result.form = form;
    result.encoder = encoder;
    result.layers = layers;
    result.width = 37;
    result.embedding = 11;
    result.rank = 3;
    result.bottleneck = 6;
    result.tile = 10;
    result.tileHidden = 13;
    result.sketchMix = layers == 2 ? 0.1f : 0.f;
    return result;
}

std::vector<HyperConfig> configs() {
    std::vector<HyperConfig> all = {config("residual", "stats"), config("residual", "conv", 2),
                                    config("pure", "stats", 2), config("residual", "stats")};
    all.back().rank = 0;
    return all;
}

struct Images {
    Images(int count, int size, unsigned seed) : bytes(size_t(count) * size_t(size) * size_t(size) * 3) {
        std::mt19937 draw(seed);
        // Each image has a colour and a contrast of its own, so that batch statistics matter.
        const size_t each = size_t(size) * size_t(size) * 3;
        for (int n = 0; n < count; ++n) {
            const auto base = unsigned(draw() % 128), range = unsigned(1 + draw() % 127);
            for (size_t i = 0; i < each; ++i) bytes[size_t(n) * each + i] = uint8_t(base + draw() % range);
        }
        batch.pixels = bytes.data();
        batch.count = count;
        batch.size = size;
    }
    ImageBatch part(int first, int count) const {
        ImageBatch some = batch;
        some.pixels += size_t(first) * size_t(batch.size) * size_t(batch.size) * 3;
        some.count = count;
        return some;
    }
    std::vector<uint8_t> bytes;
    ImageBatch batch;
};

// Says which backends the cases run on and which they skip, so that a green run is not taken for more than it is.
struct Roll {
    Roll() {
        std::cout << "backends:";
        for (const std::string& name : backends()) std::cout << " \"" << name << "\"";
        const std::string reason = cudaUnavailableReason(0);
        if (!reason.empty()) std::cout << "; skipped 2: \"cuda\", \"cuda:exact\" (" << reason << ")";
        std::cout << std::endl;
    }
};
BOOST_GLOBAL_FIXTURE(Roll);

std::vector<float> randomSketch(const HyperNetwork& hyper) {
    return RandomTensors(99)({hyper.recurrent.width}, 1).values;
}

std::vector<std::string> judged() {
    std::vector<std::string> names = backends();
    names.erase(std::remove(names.begin(), names.end(), "reference"), names.end());
    return names;
}

// The host executor takes its time and has one thread.
bool isHostExecutor(const std::string& name) {
    return name.find("on the host") != std::string::npos;
}

// Largest difference as a share of the largest expected value.
double apart(const std::vector<float>& found, const std::vector<float>& expected) {
    if (found.size() != expected.size()) return HUGE_VAL;
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return HUGE_VAL;
        most = std::max(most, std::abs(double(found[i]) - double(expected[i])));
        scale = std::max(scale, std::abs(double(expected[i])));
    }
    return most / scale;
}

void compareWeights(const NetworkWeights& found, const NetworkWeights& expected) {
    BOOST_REQUIRE(found.size() == expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
        BOOST_TEST((found[i].kernel.shape == expected[i].kernel.shape));
        BOOST_TEST(apart(found[i].kernel.values, expected[i].kernel.values) < kWeights);
        BOOST_TEST(apart(found[i].gamma, expected[i].gamma) < kWeights);
        BOOST_TEST(apart(found[i].beta, expected[i].beta) < kWeights);
    }
}

// Means as shares of the root mean square of the layer (a channel's own may be nothing), variances as shares of
// themselves.
void compareStatistics(const NetworkWeights& found, const NetworkWeights& expected, double tolerance) {
    for (size_t i = 0; i < found.size(); ++i) {
        const NodeWeights& judge = expected[i];
        const size_t channels = judge.gamma.size();
        BOOST_REQUIRE(found[i].mean.size() == channels);
        BOOST_REQUIRE(found[i].variance.size() == channels);
        double square = 0;
        for (size_t c = 0; c < channels; ++c) {
            square += (double(judge.mean[c]) * double(judge.mean[c]) + double(judge.variance[c])) / double(channels);
        }
        for (size_t c = 0; c < channels; ++c) {
            const double mean = double(found[i].mean[c]) - double(judge.mean[c]);
            const double variance = double(found[i].variance[c]) - double(judge.variance[c]);
            BOOST_TEST(std::abs(mean) < tolerance * std::sqrt(square));
            BOOST_TEST(std::abs(variance) < tolerance * (double(judge.variance[c]) + double(kBatchNormEpsilon)));
        }
    }
}

bool sameBits(const NetworkWeights& a, const NetworkWeights& b) {
    for (size_t i = 0; i < a.size(); ++i) {
        if (a[i].kernel.values != b[i].kernel.values || a[i].gamma != b[i].gamma || a[i].beta != b[i].beta ||
            a[i].mean != b[i].mean || a[i].variance != b[i].variance) {
            return false;
        }
    }
    return true;
}

std::vector<float> featuresOf(Backend& backend, const BackendNetwork& network, const ImageBatch& images,
                              const Architecture& architecture, const FeatureChoice& choice) {
    std::vector<float> rows(size_t(images.count) * size_t(featureCount(architecture, choice.stages)));
    backend.features(network, images, choice, rows.data());
    return rows;
}

// All that a backend computes of some images, to compare bit by bit.
struct Everything {
    std::vector<float> encoded, codes, calibrated, features;
    NetworkWeights weights;
    std::vector<double> gram;
};
Everything everything(Backend& backend, const HyperNetwork& hyper, const Images& images) {
    Everything all;
    const FeatureChoice choice(allStages(hyper.architecture), Pooling::Rms);
    all.encoded = backend.encode(images.batch);
    all.codes = backend.unroll(randomSketch(hyper));
    const auto network = backend.generate(all.codes);
    all.calibrated = backend.calibrate(*network, images.batch, choice);
    all.weights = backend.download(*network);
    all.features = featuresOf(backend, *network, images.batch, hyper.architecture, choice);
    const size_t columns = size_t(featureCount(hyper.architecture, choice.stages));
    all.gram.assign(columns * columns, 0.5);
    backend.gram(all.features.data(), images.batch.count, int(columns), all.gram.data());
    return all;
}
void requireSameBits(const Everything& a, const Everything& b) {
    BOOST_TEST((a.encoded == b.encoded));
    BOOST_TEST((a.codes == b.codes));
    BOOST_TEST((a.calibrated == b.calibrated));
    BOOST_TEST((a.features == b.features));
    BOOST_TEST((a.gram == b.gram));
    BOOST_TEST(sameBits(a.weights, b.weights));
}

}  // namespace

// ---- against the reference ----

BOOST_AUTO_TEST_CASE(encoders_agree_with_the_reference) {
    for (const HyperConfig& each : configs()) {
        for (const int size : {32, 27, 64}) {
            DocumentBuilder build(size);
            const auto hyper = randomHyperNetwork(build.build({build.conv("image", 4, 3, 1, 1)}), each, 1);
            const Images images(17, size, 5);
            const std::vector<float> expected = makeBackend("reference", hyper)->encode(images.batch);
            for (const std::string& name : judged()) {
                BOOST_TEST(apart(makeBackend(name, hyper)->encode(images.batch), expected) < kWeights);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(codes_and_weights_agree_with_the_reference) {
    for (const Architecture& architecture : architectures()) {
        for (const HyperConfig& each : configs()) {
            const auto hyper = randomHyperNetwork(architecture, each, 2);
            const auto reference = makeBackend("reference", hyper);
            const std::vector<float> sketch = randomSketch(*hyper), codes = reference->unroll(sketch);
            const NetworkWeights expected = reference->download(*reference->generate(codes));
            for (const std::string& name : judged()) {
                BOOST_TEST_CONTEXT(name << ", " << each.form << ", " << architecture.nodes.size() << " nodes") {
                    const auto backend = makeBackend(name, hyper);
                    BOOST_TEST(apart(backend->unroll(sketch), codes) < kWeights);
                    compareWeights(backend->download(*backend->generate(codes)), expected);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(empty_codes_give_the_base_weights) {
    const auto hyper = randomHyperNetwork(everyOp(), config("residual", "stats"), 3);
    const auto pure = randomHyperNetwork(everyOp(), config("pure", "stats"), 3);
    for (const std::string& name : backends()) {
        const auto backend = makeBackend(name, hyper);
        BOOST_TEST(sameBits(backend->download(*backend->generate({})), hyper->generators.base));
        BOOST_TEST(holds(sentenceOf([&] { makeBackend(name, pure)->generate({}); }), "pure"));
    }
}

BOOST_AUTO_TEST_CASE(calibration_and_features_agree_with_the_reference) {
    unsigned seed = 10;
    for (const Architecture& architecture : architectures()) {
        const auto hyper = randomHyperNetwork(architecture, config("residual", "stats"), ++seed);
        for (const int count : {1, 7, 16, 17, 33}) {
            const FeatureChoice stages(allStages(architecture), Pooling(count % 3 == 1));
            const Images images(count, architecture.size, seed), others(5, architecture.size, seed + 100);
            const auto reference = makeBackend("reference", hyper);
            const auto judge = reference->generate({});
            const std::vector<float> rows = reference->calibrate(*judge, images.batch, stages);
            const std::vector<float> otherRows = featuresOf(*reference, *judge, others.batch, architecture, stages);
            for (const std::string& name : judged()) {
                BOOST_TEST_CONTEXT(name << ", " << count << " images, " << architecture.nodes.size() << " nodes") {
                    const auto backend = makeBackend(name, hyper);
                    const auto network = backend->generate({});
                    const std::vector<float> found = backend->calibrate(*network, images.batch, stages);
                    // A variance over the few pixels of one image has nothing to average.
                    const double room = count == 1 ? 10 : 1;
                    const double tolerance = isHalf(name) ? room * kHalfFeatures : kFeatures;
                    BOOST_TEST(apart(found, rows) < tolerance);
                    compareStatistics(backend->download(*network), reference->download(*judge),
                                      isHalf(name) ? room * kHalfStatistics : kStatistics);
                    // From here on both with the same statistics and images that did not set them.
                    const std::vector<float> ordinary =
                        featuresOf(*backend, *network, others.batch, architecture, stages);
                    BOOST_TEST(apart(ordinary, otherRows) < tolerance);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_choice_of_stages_gives_the_same_columns) {
    for (const Architecture& architecture : {oddChannels(), strange(), depthwiseNet()}) {
        const auto hyper = randomHyperNetwork(architecture, config("residual", "stats"), 4);
        const Images images(18, architecture.size, 6);
        const int count = int(architecture.stages.size());
        for (const std::string& name : backends()) {
            const auto backend = makeBackend(name, hyper);
            const auto network = backend->generate({});
            const std::vector<float> all = backend->calibrate(*network, images.batch, allStages(architecture));
            const size_t width = size_t(featureCount(architecture, allStages(architecture)));
            size_t column = 0;
            for (int stage = 1; stage <= count; ++stage) {
                const size_t own = size_t(featureCount(architecture, {stage}));
                const auto again = backend->generate({});
                const std::vector<float> calibrated = backend->calibrate(*again, images.batch, {stage});
                BOOST_TEST(sameBits(backend->download(*again), backend->download(*network)));
                for (size_t n = 0; n < 18; ++n) {
                    BOOST_TEST(std::equal(calibrated.data() + n * own, calibrated.data() + (n + 1) * own,
                                          all.data() + n * width + column));
                }
                column += own;
            }
            const std::vector<float> ordinary =
                featuresOf(*backend, *network, images.batch, architecture, allStages(architecture));
            BOOST_TEST(apart(ordinary, all) < (isHalf(name) ? kHalfFeatures : kStatistics));
        }
    }
}

BOOST_AUTO_TEST_CASE(gram_agrees_with_the_reference_and_adds) {
    const auto hyper = randomHyperNetwork(everyOp(), config("residual", "stats"), 5);
    for (const int rows : {1, 255, 256, 257, 600}) {
        for (const int columns : {1, 5, 33, 100}) {
            const std::vector<float> features = RandomTensors(7)({rows, columns}, 1, 0.5).values;
            std::vector<double> expected(size_t(columns * columns), 3.0);
            makeBackend("reference", hyper)->gram(features.data(), rows, columns, expected.data());
            for (const std::string& name : judged()) {
                std::vector<double> found(size_t(columns * columns), 3.0);
                makeBackend(name, hyper)->gram(features.data(), rows, columns, found.data());
                for (int i = 0; i < columns; ++i) {
                    for (int j = 0; j < columns; ++j) {
                        const size_t at = size_t(i * columns + j);
                        BOOST_TEST(std::abs(found[at] - expected[at]) < 1e-6 * rows);
                        BOOST_TEST(found[at] == found[size_t(j * columns + i)]);
                    }
                }
            }
        }
    }
}

// A table of two passes' rows, interleaved as the predictor interleaves them, some of them kept and some not.
struct Passes {
    Passes(Backend& backend, const HyperNetwork& hyper) : choice(allStages(hyper.architecture), Pooling::Rms) {
        const Images images(300, hyper.architecture.size, 23);
        columns = featureCount(hyper.architecture, choice.stages);
        const auto network = backend.generate({});
        sample = backend.calibrate(*network, images.part(0, 60), choice, {}, &keptSample);
        rest.resize(size_t(240 * columns));
        backend.features(*network, images.part(60, 240), choice, rest.data(), &keptRest);
    }
    // Every fifth row is the sample's; labels do not ascend. `kept`: with what the backend still holds.
    std::unique_ptr<FeatureTable> table(bool kept) const {
        auto result = std::make_unique<FeatureTable>(columns, 7);
        int nextSample = 0, nextRest = 0;
        for (int i = 0; i < 300; ++i) {
            const bool sampled = i % 5 == 2;
            const int from = sampled ? nextSample++ : nextRest++, label = i * 5 / 30 % 7 == 3 ? 0 : i * 5 / 30 % 7;
            const std::vector<float>& rows = sampled ? sample : rest;
            const KeptRows none, &hint = !kept || i < 20 ? none : sampled ? keptSample : keptRest;
            result->append(rows.data() + from * columns, &label, 1, hint, from);
        }
        return result;
    }
    FeatureChoice choice;
    int columns = 0;
    std::vector<float> sample, rest;
    KeptRows keptSample, keptRest;
};

FeatureStatistics plainStatistics(const FeatureTable& table) {
    const size_t p = size_t(table.columns());
    FeatureStatistics all;
    all.counts.resize(size_t(table.classes()));
    all.sums.resize(size_t(table.classes()) * p);
    all.gram.resize(p * p);
    std::vector<float> row(p);
    for (int i = 0; i < table.rows(); ++i) {
        table.read(i, 1, row.data());
        const size_t label = size_t(table.labels()[size_t(i)]);
        all.counts[label] += 1;
        for (size_t a = 0; a < p; ++a) {
            all.sums[label * p + a] += double(row[a]);
            for (size_t b = 0; b < p; ++b) all.gram[a * p + b] += double(row[a]) * double(row[b]);
        }
    }
    return all;
}

BOOST_AUTO_TEST_CASE(statistics_of_a_table_are_plain_sums) {
    const auto hyper = randomHyperNetwork(oddChannels(), config("residual", "stats"), 21);
    for (const std::string& name : judged()) {
        BOOST_TEST_CONTEXT(name) {
            const auto backend = makeBackend(name, hyper), stranger = makeBackend(name, hyper);
            const Passes passes(*backend, *hyper);
            BOOST_TEST(bool(passes.keptRest) == (name != "cpu"));
            const FeatureStatistics found = gatherStatistics(*passes.table(true), *backend);
            const FeatureStatistics expected = plainStatistics(*passes.table(false));
            BOOST_TEST((found.counts == expected.counts));
            BOOST_TEST(found.counts[3] == 0);
            const size_t p = size_t(passes.columns);
            for (size_t k = 0; k < expected.sums.size(); ++k) {
                BOOST_TEST(std::abs(found.sums[k] - expected.sums[k]) <= 1e-12 * (1 + std::abs(expected.sums[k])));
            }
            const double room = name == "cpu" ? 1e-6 : 1e-12;  // the CPU takes the mean off in float
            for (size_t i = 0; i < p; ++i) {
                for (size_t j = 0; j < p; ++j) {
                    const double scale = std::sqrt(expected.gram[i * p + i] * expected.gram[j * p + j]);
                    BOOST_TEST(std::abs(found.gram[i * p + j] - expected.gram[i * p + j]) <= room * scale);
                    // What the host takes off and puts back is not the same bits on both sides.
                    if (name != "cpu") BOOST_TEST(found.gram[i * p + j] == found.gram[j * p + i]);
                }
            }
            // Where the rows come from must not matter, nor who else kept some.
            for (const bool kept : {false, true}) {
                for (Backend* other : {backend.get(), stranger.get()}) {
                    const FeatureStatistics again = gatherStatistics(*passes.table(kept), *other);
                    BOOST_TEST((again.sums == found.sums));
                    BOOST_TEST((again.gram == found.gram));
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(rows_that_are_no_numbers_are_named) {
    const auto hyper = randomHyperNetwork(everyOp(), config("residual", "stats"), 22);
    for (const std::string& name : backends()) {
        FeatureTable table(3, 2);
        for (int i = 0; i < 40; ++i) {
            const float row[3] = {1.f, i == 29 ? std::nanf("") : 2.f, 1e11f};
            const int label = i % 2;
            table.append(row, &label, 1);
        }
        const auto backend = makeBackend(name, hyper);
        BOOST_TEST(holds(sentenceOf([&] { gatherStatistics(table, *backend); }), "feature 1 of image 29"));
    }
}

// ---- every kernel ----

// Small predictions that between them launch every kernel of kernel_list.hpp: what compute-sanitizer looks at on a GPU.
// Of two ways to the same end (cluster or chain, library or own kernel), a device takes the one that it has.
void predictWithEveryKernel(const std::function<std::shared_ptr<Backend>(std::shared_ptr<const HyperNetwork>)>& make) {
    const std::pair<Architecture, HyperConfig> cases[] = {{everyOp(), config("residual", "stats")},
                                                          {strange(), config("pure", "conv", 2)},
                                                          {depthwiseNet(), config("residual", "conv")}};
    for (const auto& each : cases) {
        const auto hyper = randomHyperNetwork(each.first, each.second, 30);
        const Images images(20, each.first.size, 31);
        const Everything all = everything(*make(hyper), *hyper, images);
        BOOST_TEST(apart(all.calibrated, all.calibrated) == 0);  // all are numbers
        BOOST_TEST(apart(all.features, all.features) == 0);
    }
}

BOOST_AUTO_TEST_CASE(every_kernel_in_small_predictions) {
    for (const std::string& name : judged()) {
        BOOST_TEST_CONTEXT(name) {
            predictWithEveryKernel([&](const auto& hyper) { return makeBackend(name, hyper); });
        }
    }
}

BOOST_AUTO_TEST_CASE(no_kernel_is_left_out_there) {
    std::set<int> launched;
    for (const bool half : {false, true}) {
        predictWithEveryKernel([&](const auto& hyper) -> std::shared_ptr<Backend> {
            const auto device = hostDevice(half, 0);
            device->launched = &launched;
            return cuda::createDeviceBackend(hyper, device, half);
        });
    }
    for (int kernel = 0; kernel < cuda::AllKernels::kCount; ++kernel) {
        BOOST_TEST(launched.count(kernel) == 1, "kernel " << kernel << " of kernel_list.hpp");
    }
}

// ---- determinism ----

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_threads_or_on_earlier_calls) {
    for (const Architecture& architecture : {everyOp(), roundChannels(), strange(), depthwiseNet()}) {
        for (const HyperConfig& each : configs()) {
            const auto hyper = randomHyperNetwork(architecture, each, 6);
            const Images many(70, architecture.size, 7), few(19, architecture.size, 7);
            for (const std::string& name : judged()) {
                const Images& images = isHostExecutor(name) ? few : many;
                const auto one = makeBackend(name, hyper, 1);
                const Everything first = everything(*one, *hyper, images);
                requireSameBits(first, everything(*one, *hyper, images));
                if (isHostExecutor(name)) continue;
                for (const int threads : {2, 4, 7}) {
                    requireSameBits(first, everything(*makeBackend(name, hyper, threads), *hyper, images));
                }
            }
        }
    }
}

// Each with a backend of its own, made at the same time, and then all with one. (The host executor's turn is in
// test_fallback_backend.cpp.)
BOOST_AUTO_TEST_CASE(several_threads_get_the_same_bits) {
    const auto hyper = randomHyperNetwork(everyOp(), config("residual", "conv", 2), 18);
    const Images images(20, hyper->architecture.size, 19);
    for (const std::string& name : judged()) {
        if (isHostExecutor(name)) continue;
        const auto shared = makeBackend(name, hyper, 1);
        const Everything first = everything(*shared, *hyper, images);
        const size_t count = 4;
        std::vector<std::shared_ptr<Backend>> own(count);  // they end in this thread, whose assertions are allowed
        std::vector<Everything> alone(count), together(count);
        std::vector<std::string> errors(count);
        std::vector<std::thread> threads;
        for (size_t i = 0; i < count; ++i) {
            threads.emplace_back([&, i] {
                errors[i] = sentenceOf([&] {
                    own[i] = makeBackend(name, hyper, 1);
                    alone[i] = everything(*own[i], *hyper, images);
                    together[i] = everything(*shared, *hyper, images);
                });
            });
        }
        for (std::thread& thread : threads) thread.join();
        for (size_t i = 0; i < count; ++i) {
            BOOST_TEST(errors[i] == "");
            requireSameBits(alone[i], first);
            requireSameBits(together[i], first);
        }
    }
}

BOOST_AUTO_TEST_CASE(bits_of_an_image_do_not_depend_on_the_others) {
    for (const Architecture& architecture : architectures()) {
        const auto hyper = randomHyperNetwork(architecture, config("residual", "conv"), 8);
        const Images images(67, architecture.size, 9);
        const std::vector<int> stages = allStages(architecture);
        const size_t width = size_t(featureCount(architecture, stages));
        for (const std::string& name : judged()) {
            const auto backend = makeBackend(name, hyper);
            const auto network = backend->generate({});
            backend->calibrate(*network, images.part(0, 40), stages);
            const std::vector<float> all = featuresOf(*backend, *network, images.batch, architecture, stages);
            const std::vector<float> encoded = backend->encode(images.batch);
            const bool few = isHostExecutor(name);
            for (const int first : few ? std::vector<int>{5, 33} : std::vector<int>{0, 1, 5, 16, 31, 33}) {
                for (const int count : few ? std::vector<int>{2, 15} : std::vector<int>{1, 2, 15, 34}) {
                    const std::vector<float> rows =
                        featuresOf(*backend, *network, images.part(first, count), architecture, stages);
                    BOOST_TEST(std::equal(rows.begin(), rows.end(), all.data() + size_t(first) * width));
                    const std::vector<float> own = backend->encode(images.part(first, count));
                    BOOST_TEST(std::equal(own.begin(), own.end(), encoded.data() + size_t(first) * kConvFeatures));
                }
            }
        }
    }
}

// ---- large samples, progress, errors ----

BOOST_AUTO_TEST_CASE(a_sample_beyond_the_budget_is_calibrated_on_a_part) {
    DocumentBuilder build(64);
    const std::string map = build.convNormRelu("image", 260, 1, 1, 0);  // more than 4 MiB an image
    const Architecture architecture = build.build({build.pool("max_pool", map, 8, 8, 0)});
    const Images images(70, 64, 11);
    const std::vector<int> chosen = calibrationImages(architecture, 70);
    BOOST_REQUIRE(chosen.size() == 64);
    Images part(64, 64, 0);
    const size_t each = 64 * 64 * 3;
    for (size_t i = 0; i < 64; ++i) {
        std::copy_n(images.bytes.data() + size_t(chosen[i]) * each, each, part.bytes.data() + i * each);
    }
    const auto hyper = randomHyperNetwork(architecture, config("residual", "stats"), 12);
    for (const std::string& name : judged()) {
        const auto backend = makeBackend(name, hyper);
        const auto whole = backend->generate({}), some = backend->generate({});
        const std::vector<float> rows = backend->calibrate(*whole, images.batch, {1});
        backend->calibrate(*some, part.batch, {1});
        BOOST_TEST(sameBits(backend->download(*whole), backend->download(*some)));
        BOOST_TEST((rows == featuresOf(*backend, *some, images.batch, architecture, {1})));
    }
}

BOOST_AUTO_TEST_CASE(progress_rises_and_stops_the_pass) {
    const auto hyper = randomHyperNetwork(oddChannels(), config("residual", "stats"), 13);
    const Images images(40, 27, 14);
    for (const std::string& name : backends()) {
        const auto backend = makeBackend(name, hyper);
        const auto network = backend->generate({});
        std::vector<double> shares;
        backend->calibrate(*network, images.batch, {1}, [&](double done) { shares.push_back(done); });
        BOOST_TEST(std::is_sorted(shares.begin(), shares.end()));
        BOOST_REQUIRE(shares.size() >= 2);
        BOOST_TEST(shares.front() >= 0);
        BOOST_TEST(shares.back() <= 1);

        const auto stopped = backend->generate({});
        const auto stop = [&](double) { throw std::runtime_error("stopped here"); };
        BOOST_TEST(sentenceOf([&] { backend->calibrate(*stopped, images.batch, {1}, stop); }) == "stopped here");
        std::vector<float> row(17);
        BOOST_TEST(
            holds(sentenceOf([&] { backend->features(*stopped, images.part(0, 1), {1}, row.data()); }), "statistics"));
        backend->calibrate(*stopped, images.batch, {1});
        BOOST_TEST(sameBits(backend->download(*stopped), backend->download(*network)));
    }
}

BOOST_AUTO_TEST_CASE(wrong_arguments_are_refused_with_a_sentence) {
    const auto hyper = randomHyperNetwork(oddChannels(), config("residual", "stats"), 15);
    auto untrained = std::make_shared<HyperNetwork>(*hyper);
    untrained->trained = false;
    const Images images(3, 27, 16), large(3, 28, 16);
    for (const std::string& name : backends()) {
        const auto backend = makeBackend(name, hyper);
        const auto network = backend->generate({});
        std::vector<float> out(1000);
        const auto features = [&](const ImageBatch& batch, const std::vector<int>& stages) {
            return sentenceOf([&] { backend->features(*network, batch, stages, out.data()); });
        };
        BOOST_TEST(holds(features(images.batch, {1}), "no statistics"));
        backend->calibrate(*network, images.batch, {1});
        BOOST_TEST(features(images.batch, {1}) == "");
        BOOST_TEST(holds(features(large.batch, {1}), "edge 28"));
        BOOST_TEST(holds(features(ImageBatch(), {1}), "without pixels"));
        BOOST_TEST(holds(features(images.batch, {2, 1}), "ascend"));
        BOOST_TEST(holds(features(images.batch, {4}), "stage 4"));
        BOOST_TEST(holds(features(images.batch, {}), "no stage"));
        BOOST_TEST(holds(sentenceOf([&] { backend->unroll({1, 2, 3}); }), "3 numbers"));
        BOOST_TEST(holds(sentenceOf([&] { backend->generate({1, 2, 3}); }), "3 numbers"));
        BOOST_TEST(holds(sentenceOf([&] { makeBackend(name, untrained)->unroll(randomSketch(*hyper)); }), "base"));
        BOOST_TEST(!backend->device().empty());
    }
    const auto reference = makeBackend("reference", hyper);
    const auto foreign = reference->generate({});
    for (const std::string& name : judged()) {
        const auto backend = makeBackend(name, hyper);
        BOOST_TEST(holds(sentenceOf([&] { backend->download(*foreign); }), "another backend"));
        BOOST_TEST(holds(sentenceOf([&] { reference->download(*backend->generate({})); }), "another backend"));
    }
}

BOOST_AUTO_TEST_CASE(backends_have_names) {
    const auto hyper = randomHyperNetwork(everyOp(), config("residual", "stats"), 17);
    const std::vector<std::string> names = availableBackends();
    BOOST_TEST((std::count(names.begin(), names.end(), "cpu") == 1));
    BOOST_TEST((std::count(names.begin(), names.end(), "reference") == 1));
    BOOST_TEST(!makeBackend("auto", hyper)->device().empty());
    if (std::count(names.begin(), names.end(), "cuda") == 0) {
        BOOST_TEST(holds(sentenceOf([&] { makeBackend("cuda", hyper); }), "CUDA"));
    }
    BOOST_TEST(holds(sentenceOf([&] { makeBackend("gpu", hyper); }), "\"gpu\""));
    BOOST_TEST(holds(sentenceOf([&] { makeBackend("cpu", hyper, -1); }), "-1"));
}
