// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// The trainer and the runtime implement doc/model.md twice. The files of test/golden were written by the trainer
// (libtorch); here every backend of this build must come to the same numbers from the same images.
#define BOOST_TEST_MODULE golden
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backend.hpp"

using namespace cv::hyperpred;
namespace fs = std::filesystem;

namespace {

// Greatest difference, as a share of the tensor's largest magnitude. Both sides compute in float; libtorch sums in
// another order, so that each stage adds a few roundings of 6e-8 and hands its own error on. Measured with the
// reference backend: 4e-7 for sketch, codes and weights, 4e-6 for the rest.
const double kSketchTolerance = 1e-5;
const double kCodeTolerance = 1e-5;
const double kWeightTolerance = 1e-5;
const double kMomentTolerance = 1e-4;   // means near zero are sums of large terms that cancel
const double kFeatureTolerance = 1e-4;  // batch-norm divides by small deviations and so enlarges errors
// The CUDA backend convolves in reduced precision; agreed limit of its features.
const double kCudaFeatureTolerance = 2e-3;

struct Golden {
    std::string name;
    std::shared_ptr<const HyperNetwork> hyper;
    std::vector<uint8_t> pixels;  // N x S x S x 3, BGR
    std::vector<int> labels;
    std::vector<float> sketch, codes, features;
    NetworkWeights weights;

    ImageBatch images() const {
        ImageBatch batch;
        batch.pixels = pixels.data();
        batch.count = int(labels.size());
        batch.size = hyper->architecture.size;
        return batch;
    }
    std::vector<int> stages() const {
        std::vector<int> all;
        for (size_t i = 0; i < hyper->architecture.stages.size(); ++i) all.push_back(int(i) + 1);
        return all;
    }
};

std::vector<float> values(const ModelFile& file, const std::string& name, const std::vector<int64_t>& shape) {
    return file.read(name, shape).values;
}

NetworkWeights readWeights(const ModelFile& file, const Architecture& architecture) {
    NetworkWeights weights(architecture.nodes.size());
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const std::string stem = "weights." + node.name;
        if (node.op == Op::Conv) {
            const int64_t in = kernelInputs(architecture, node);
            weights[i].kernel = file.read(stem + ".kernel", {node.out, in, node.kernel, node.kernel});
        }
        if (node.op != Op::BatchNorm) continue;
        const int64_t in = node.shape.channels;
        weights[i].gamma = values(file, stem + ".gamma", {in});
        weights[i].beta = values(file, stem + ".beta", {in});
        weights[i].mean = values(file, stem + ".mean", {in});
        weights[i].variance = values(file, stem + ".variance", {in});
    }
    return weights;
}

// One number a pixel: blue + 256 green + 65536 red, exact in a float.
std::vector<uint8_t> unpacked(const std::vector<float>& pixels) {
    std::vector<uint8_t> bytes;
    for (const float pixel : pixels) {
        const auto bits = static_cast<uint32_t>(pixel);
        for (const uint32_t shift : {0u, 8u, 16u}) bytes.push_back(uint8_t(bits >> shift));
    }
    return bytes;
}

Golden readGolden(const fs::path& path) {
    Golden golden;
    golden.name = path.stem().string();
    const ModelFile file = ModelFile::open(path.string());
    const fs::path model = path.parent_path() / (golden.name.substr(0, golden.name.rfind('.')) + ".safetensors");
    golden.hyper = std::make_shared<HyperNetwork>(loadHyperNetwork(ModelFile::open(model.string())));
    const Architecture& architecture = golden.hyper->architecture;
    const int64_t count = file.entries().at("labels").shape.at(0), size = architecture.size;
    golden.pixels = unpacked(values(file, "images", {count, size, size}));
    for (const float label : values(file, "labels", {count})) golden.labels.push_back(int(label));
    golden.sketch = values(file, "sketch", {golden.hyper->config.width});
    golden.codes = values(file, "codes", {int64_t(predictedLayers(architecture).size()), golden.hyper->config.width});
    golden.weights = readWeights(file, architecture);
    golden.features = values(file, "features", {count, featureCount(architecture, golden.stages())});
    return golden;
}

// Every CASE.golden.safetensors, with its model CASE.safetensors beside it.
const std::vector<Golden>& cases() {
    static const std::vector<Golden> all = [] {
        std::vector<Golden> result;
        for (const fs::directory_entry& entry : fs::directory_iterator(HYPERPRED_TEST_DIR "/golden")) {
            const std::string name = entry.path().filename().string(), ending = ".golden.safetensors";
            const bool ends = name.size() > ending.size() &&
                              name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
            if (ends) result.push_back(readGolden(entry.path()));
        }
        return result;
    }();
    return all;
}

void agree(const std::vector<float>& got, const std::vector<float>& expected, double tolerance,
           const std::string& what) {
    BOOST_REQUIRE_EQUAL(got.size(), expected.size());
    if (expected.empty()) return;
    double largest = 1e-30, worst = 0;
    for (size_t i = 0; i < got.size(); ++i) {
        largest = std::max(largest, std::abs(double(expected[i])));
        const double off = std::abs(double(got[i]) - double(expected[i]));
        worst = std::isnan(off) ? INFINITY : std::max(worst, off);
    }
    BOOST_TEST(worst <= tolerance * largest, what << ": off by " << worst / largest << ", allowed " << tolerance);
    BOOST_TEST_MESSAGE(what << ": off by " << worst / largest << " of " << largest);
}

struct Place {
    std::string text;
    double momentTolerance, featureTolerance;
};

// Calls `check` with each case and a backend for it, of every kind that this build has.
template <class Check>
void onEveryBackend(const Check& check) {
    BOOST_REQUIRE(!cases().empty());
    for (const std::string& name : availableBackends()) {
        Place place{"", kMomentTolerance, kFeatureTolerance};
        if (name == "cuda") place.momentTolerance = place.featureTolerance = kCudaFeatureTolerance;
        for (const Golden& golden : cases()) {
            const std::unique_ptr<Backend> backend = createBackend(name, golden.hyper, 2);
            place.text = golden.name + " on " + name;
            check(golden, *backend, place);
        }
    }
}

void agreeWeights(const Golden& golden, const NetworkWeights& got, double tolerance, const std::string& where) {
    BOOST_REQUIRE_EQUAL(got.size(), golden.weights.size());
    for (size_t i = 0; i < got.size(); ++i) {
        const NodeWeights& expected = golden.weights[i];
        const std::string what = where + ", " + golden.hyper->architecture.nodes[i].name;
        agree(got[i].kernel.values, expected.kernel.values, tolerance, what + " kernel");
        agree(got[i].gamma, expected.gamma, tolerance, what + " gamma");
        agree(got[i].beta, expected.beta, tolerance, what + " beta");
    }
}

}  // namespace

// Both forms, both encoders, one and two cells: else the page is not covered.
BOOST_AUTO_TEST_CASE(the_cases_cover_the_page) {
    int pure = 0, residual = 0, conv = 0, stats = 0, stacked = 0, mixed = 0;
    for (const Golden& golden : cases()) {
        const HyperConfig& config = golden.hyper->config;
        ++(config.form == "pure" ? pure : residual);
        ++(config.encoder == "conv" ? conv : stats);
        stacked += config.layers == 2;
        mixed += config.sketchMix > 0;
        BOOST_TEST(golden.hyper->trained);
    }
    BOOST_TEST((pure > 0 && residual > 0 && conv > 0 && stats > 0 && stacked > 0 && mixed > 0));
}

// Weights that training has not moved from zero would hide a wrong formula behind them.
BOOST_AUTO_TEST_CASE(the_residual_cases_have_left_their_zeros) {
    for (const Golden& golden : cases()) {
        if (golden.hyper->generators.pure) continue;
        for (const LayerGenerator& layer : golden.hyper->generators.layers) {
            for (const Tensor* tensor : {&layer.filmWeight, &layer.filmBias, &layer.outWeight}) {
                float largest = 0;
                for (const float value : tensor->values) largest = std::max(largest, std::abs(value));
                BOOST_TEST(largest > 1e-3f, golden.name);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(sketch) {
    onEveryBackend([](const Golden& golden, Backend& backend, const Place& place) {
        const SketchParameters& parameters = golden.hyper->sketch;
        const std::vector<float> features = backend.encode(golden.images());
        const std::vector<float> pooled = poolByLabel(features, golden.labels, imageFeatureCount(parameters));
        agree(sketchFromPooled(parameters, pooled), golden.sketch, kSketchTolerance, place.text + ", sketch");
    });
}

BOOST_AUTO_TEST_CASE(codes_from_the_golden_sketch) {
    onEveryBackend([](const Golden& golden, Backend& backend, const Place& place) {
        agree(backend.unroll(golden.sketch), golden.codes, kCodeTolerance, place.text + ", codes");
    });
}

BOOST_AUTO_TEST_CASE(weights_from_the_golden_codes) {
    onEveryBackend([](const Golden& golden, Backend& backend, const Place& place) {
        const std::unique_ptr<BackendNetwork> network = backend.generate(golden.codes);
        agreeWeights(golden, backend.download(*network), kWeightTolerance, place.text);
    });
}

BOOST_AUTO_TEST_CASE(statistics_and_features_from_the_golden_codes) {
    onEveryBackend([](const Golden& golden, Backend& backend, const Place& place) {
        const std::unique_ptr<BackendNetwork> network = backend.generate(golden.codes);
        const std::vector<float> sample = backend.calibrate(*network, golden.images(), golden.stages());
        agree(sample, golden.features, place.featureTolerance, place.text + ", features of the calibration");
        const NetworkWeights weights = backend.download(*network);
        for (size_t i = 0; i < weights.size(); ++i) {
            const std::string what = place.text + ", " + golden.hyper->architecture.nodes[i].name;
            agree(weights[i].mean, golden.weights[i].mean, place.momentTolerance, what + " mean");
            agree(weights[i].variance, golden.weights[i].variance, place.momentTolerance, what + " variance");
        }
        std::vector<float> again(golden.features.size());
        backend.features(*network, golden.images(), golden.stages(), again.data());
        agree(again, golden.features, place.featureTolerance, place.text + ", features of the ordinary pass");
    });
}

BOOST_AUTO_TEST_CASE(the_whole_way_from_pixels_to_features) {
    onEveryBackend([](const Golden& golden, Backend& backend, const Place& place) {
        const SketchParameters& parameters = golden.hyper->sketch;
        const std::vector<float> pooled =
            poolByLabel(backend.encode(golden.images()), golden.labels, imageFeatureCount(parameters));
        const std::unique_ptr<BackendNetwork> network =
            backend.generate(backend.unroll(sketchFromPooled(parameters, pooled)));
        const std::vector<float> features = backend.calibrate(*network, golden.images(), golden.stages());
        agree(features, golden.features, place.featureTolerance, place.text + ", features");
    });
}
