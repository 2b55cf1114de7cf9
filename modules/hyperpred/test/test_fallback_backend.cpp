// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE fallback_backend
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <iostream>
#include <sstream>
#include <thread>

#include "cuda/cuda_backend.hpp"
#include "cuda/device_backend.hpp"
#include "fallback_backend.hpp"
#include "features.hpp"
#include "host_device.hpp"
#include "random_hypernetwork.hpp"
#include "sentence.hpp"
#include "small_nets.hpp"

// What happens when a device runs short of memory or dies: the CUDA backend's own code on a host device that can be
// told to do either, with the CPU backend behind it.

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
namespace cuda = cv::hyperpred::cuda;

namespace {

const double kAgree = 2e-3;  // what the tests of the backends allow features

Architecture twoStages() {
    DocumentBuilder build(16);
    const std::string stem = build.convNormRelu("image", 9, 3, 1, 1);
    const std::string first = build.residual(stem, 9, 9, 1);
    return build.build({first, build.residual(first, 9, 17, 2)});
}

std::shared_ptr<const HyperNetwork> hypernetwork() {
    HyperConfig config;
    config.width = 13;
    config.embedding = 5;
    config.rank = 2;
    config.bottleneck = 3;
    return randomHyperNetwork(twoStages(), config, 1);
}

struct Images {
    Images() : bytes(size_t(kCount) * 16 * 16 * 3) {
        std::mt19937 draw(3);
        for (uint8_t& byte : bytes) byte = uint8_t(draw());
        batch.pixels = bytes.data();
        batch.count = kCount;
        batch.size = 16;
    }
    static const int kCount = 21;
    std::vector<uint8_t> bytes;
    ImageBatch batch;
};

std::unique_ptr<Backend> backendOn(const std::shared_ptr<cuda::Device>& device,
                                   const std::shared_ptr<const HyperNetwork>& hyper) {
    return createFallbackBackend(cuda::createDeviceBackend(hyper, device, false),
                                 [hyper] { return createBackend("cpu", hyper, 1); });
}

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

// One prediction's calls, in the order of the predictor.
struct Outcome {
    std::vector<float> encoded, calibrated, features;
    NetworkWeights weights;
    std::vector<double> gram;
    FeatureStatistics statistics;
    std::string device;
    std::vector<double> shares;
};
Outcome predict(Backend& backend, const HyperNetwork& hyper) {
    const Images images;
    const FeatureChoice stages(std::vector<int>{1, 2}, Pooling::Rms);
    Outcome outcome;
    KeptRows kept, keptSample;
    outcome.encoded = backend.encode(images.batch);
    const auto network = backend.generate(backend.unroll(std::vector<float>(size_t(hyper.config.width), 0.3f)));
    outcome.calibrated = backend.calibrate(
        *network, images.batch, stages, [&](double done) { outcome.shares.push_back(done); }, &keptSample);
    const size_t columns = size_t(featureCount(hyper.architecture, stages.stages));
    outcome.features.resize(columns * size_t(images.batch.count));
    backend.features(*network, images.batch, stages, outcome.features.data(), &kept);
    FeatureTable table(int(columns), 3);
    std::vector<int> labels;
    for (int i = 0; i < images.batch.count; ++i) labels.push_back(i % 3);
    table.append(outcome.features.data(), labels.data(), images.batch.count, kept);
    table.append(outcome.calibrated.data(), labels.data(), images.batch.count, keptSample);
    outcome.statistics = gatherStatistics(table, backend);
    outcome.gram.assign(columns * columns, 1.0);
    backend.gram(outcome.features.data(), images.batch.count, int(columns), outcome.gram.data());
    outcome.weights = backend.download(*network);
    outcome.device = backend.device();
    return outcome;
}

void requireAgreement(const Outcome& found, const Outcome& expected) {
    BOOST_TEST(apart(found.encoded, expected.encoded) < 1e-5);
    BOOST_TEST(apart(found.calibrated, expected.calibrated) < kAgree);
    BOOST_TEST(apart(found.features, expected.features) < kAgree);
    BOOST_TEST(apart(found.features, found.calibrated) < kAgree);
    for (size_t i = 0; i < found.weights.size(); ++i) {
        if (expected.weights[i].kernel.values.empty()) continue;
        BOOST_TEST(apart(found.weights[i].kernel.values, expected.weights[i].kernel.values) < 1e-5);
    }
    for (size_t i = 0; i < found.gram.size(); ++i) {
        BOOST_TEST(std::abs(found.gram[i] - expected.gram[i]) < kAgree * std::abs(expected.gram[0]) * 100);
    }
    const double scale = std::abs(expected.statistics.gram[0]) * 100;
    for (size_t i = 0; i < found.statistics.gram.size(); ++i) {
        BOOST_TEST(std::abs(found.statistics.gram[i] - expected.statistics.gram[i]) < kAgree * scale);
    }
    for (size_t i = 0; i < found.statistics.sums.size(); ++i) {
        BOOST_TEST(std::abs(found.statistics.sums[i] - expected.statistics.sums[i]) < kAgree * scale);
    }
    BOOST_TEST((found.statistics.counts == expected.statistics.counts));
    BOOST_TEST(std::is_sorted(found.shares.begin(), found.shares.end()));
}

// Calls of the device until everything has been predicted.
int64_t callsOfAPrediction(const std::shared_ptr<const HyperNetwork>& hyper) {
    HostSettings settings;
    settings.lifetime = int64_t(1) << 40;
    const auto device = std::make_shared<HostDevice>(settings);
    predict(*backendOn(device, hyper), *hyper);
    return settings.lifetime - device->callsLeft();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_device_that_dies_at_any_moment_leaves_a_right_prediction) {
    const auto hyper = hypernetwork();
    const Outcome expected = predict(*createBackend("cpu", hyper, 1), *hyper);
    const int64_t calls = callsOfAPrediction(hyper);
    BOOST_REQUIRE(calls > 100);
    int fallen = 0;
    for (int64_t life = 0; life <= calls; life += 7) {
        HostSettings settings;
        settings.lifetime = life;
        std::unique_ptr<Backend> backend;
        try {
            backend = backendOn(std::make_shared<HostDevice>(settings), hyper);
        } catch (const DeviceFailure&) {
            continue;  // dead before the weights were there: createBackend has no device to offer then
        }
        BOOST_TEST_CONTEXT("dead after " << life << " of " << calls << " calls") {
            const Outcome found = predict(*backend, *hyper);
            requireAgreement(found, expected);
            if (!holds(found.device, "instead of")) continue;
            ++fallen;
            BOOST_TEST(holds(found.device, "CPU"));
            BOOST_TEST(holds(found.device, "the device died"));
        }
    }
    BOOST_TEST(fallen > 10);
}

BOOST_AUTO_TEST_CASE(short_of_memory_the_chunk_shrinks) {
    const auto hyper = hypernetwork();
    HostSettings settings;
    settings.chunkBytes = 8 << 20;
    const auto roomy = std::make_shared<HostDevice>(settings);
    const Outcome expected = predict(*cuda::createDeviceBackend(hyper, roomy, false), *hyper);
    settings.memory = roomy->most / 3;
    const auto narrow = std::make_shared<HostDevice>(settings);
    const auto backend = backendOn(narrow, hyper);
    const Outcome found = predict(*backend, *hyper);
    requireAgreement(found, expected);
    BOOST_TEST(narrow->refused > 0);
    BOOST_TEST(!holds(found.device, "instead of"));
}

// Features that are kept take memory only while nothing else wants it.
BOOST_AUTO_TEST_CASE(kept_features_give_way) {
    const auto hyper = hypernetwork();
    const Images images;
    HostSettings settings;
    const auto probe = std::make_shared<HostDevice>(settings);
    predict(*cuda::createDeviceBackend(hyper, probe, false), *hyper);
    settings.memory = probe->most + (64 << 10);
    const auto narrow = std::make_shared<HostDevice>(settings);
    const auto backend = cuda::createDeviceBackend(hyper, narrow, false);
    const auto network = backend->generate({});
    const std::vector<float> rows = backend->calibrate(*network, images.batch, {1, 2});
    std::vector<KeptRows> kept;
    std::vector<float> out(rows.size());
    for (int i = 0; narrow->refused == 0 && i < 1000; ++i) {
        kept.emplace_back();
        backend->features(*network, images.batch, {1, 2}, out.data(), &kept.back());
    }
    BOOST_TEST(narrow->refused == 1);
    FeatureTable table(int(rows.size()) / Images::kCount, 2);
    const std::vector<int> labels(Images::kCount, 1);
    table.append(out.data(), labels.data(), Images::kCount, kept.front());  // gone, so read from the host
    const FeatureStatistics found = gatherStatistics(table, *backend);
    double sum = 0;
    for (int i = 0; i < Images::kCount; ++i) sum += double(out[size_t(i * table.columns())]);
    BOOST_TEST(found.sums[size_t(table.columns())] == sum, boost::test_tools::tolerance(1e-12));
}

// What a library takes for itself does not come from the pool.
BOOST_AUTO_TEST_CASE(kept_features_give_way_to_a_workspace) {
    const auto hyper = hypernetwork();
    const Images images;
    HostSettings settings;
    settings.chunkBytes = 512 << 10;  // several images
    const auto probe = std::make_shared<HostDevice>(settings);
    predict(*cuda::createDeviceBackend(hyper, probe, false), *hyper);
    settings.workspace = 96 << 10;
    settings.memory = probe->most + settings.workspace + (16 << 10);
    const auto narrow = std::make_shared<HostDevice>(settings);
    const auto backend = cuda::createDeviceBackend(hyper, narrow, false);
    const auto network = backend->generate({});
    const std::vector<float> rows = backend->calibrate(*network, images.batch, {1, 2});
    std::vector<KeptRows> kept;
    std::vector<float> out(rows.size());
    const auto launches = [&] {
        const int64_t before = narrow->launches;
        kept.emplace_back();
        backend->features(*network, images.batch, {1, 2}, out.data(), &kept.back());
        return narrow->launches - before;
    };
    launches();  // folds the network
    const int64_t usual = launches();
    for (int i = 0; narrow->refused == 0 && i < 1000; ++i) launches();
    BOOST_TEST(narrow->refused == 1);
    BOOST_TEST(launches() == usual);  // a smaller chunk would need more
    BOOST_TEST(apart(out, rows) < kAgree);
}

BOOST_AUTO_TEST_CASE(too_little_memory_for_one_image_ends_on_the_cpu) {
    const auto hyper = hypernetwork();
    const Outcome expected = predict(*createBackend("cpu", hyper, 1), *hyper);
    HostSettings settings;
    const auto probe = std::make_shared<HostDevice>(settings);
    cuda::createDeviceBackend(hyper, probe, false);
    settings.memory = probe->most + (96 << 10);
    const Outcome found = predict(*backendOn(std::make_shared<HostDevice>(settings), hyper), *hyper);
    requireAgreement(found, expected);
    BOOST_TEST(holds(found.device, "out of device memory"));
}

BOOST_AUTO_TEST_CASE(a_network_too_large_for_half_precision_runs_in_float) {
    auto hyper = std::make_shared<HyperNetwork>(*hypernetwork());
    for (NodeWeights& node : hyper->generators.base) {
        for (float& weight : node.kernel.values) weight *= 1e5f;  // batch-norm takes it away again
    }
    const auto backend = cuda::createDeviceBackend(hyper, std::make_shared<HostDevice>(HostSettings()), true);
    const auto cpu = createBackend("cpu", hyper, 1);
    const Images images;
    const auto network = backend->generate({}), judge = cpu->generate({});
    const std::vector<float> rows = cpu->calibrate(*judge, images.batch, {1, 2});
    BOOST_TEST(apart(backend->calibrate(*network, images.batch, {1, 2}), rows) < kAgree);
    std::vector<float> found(rows.size());
    backend->features(*network, images.batch, {1, 2}, found.data());
    BOOST_TEST(apart(found, rows) < kAgree);
}

// Flat images leave batch-norms without any variance, which then enlarge whatever differs 316 times a layer: beyond half
// precision after two of them.
BOOST_AUTO_TEST_CASE(an_image_too_large_for_half_precision_runs_in_float) {
    DocumentBuilder build(16);
    const std::string first = build.convNormRelu("image", 9, 1, 1, 0);
    const std::string second = build.convNormRelu(first, 9, 1, 1, 0);
    const Architecture architecture = build.build({second, build.convNormRelu(second, 17, 1, 1, 0)});
    HyperConfig config;
    config.width = 13;
    const auto hyper = randomHyperNetwork(architecture, config, 1);
    Images images;
    const size_t each = 16 * 16 * 3;
    for (const size_t flat : {0, 1, 2, 3, 4, 5, 8, 10})
        std::fill_n(images.bytes.begin() + long(flat * each), each, 130);
    const auto part = [&](int from, int count) {
        ImageBatch some = images.batch;
        some.pixels += size_t(from) * each;
        some.count = count;
        return some;
    };
    const auto device = cuda::createDeviceBackend(hyper, std::make_shared<HostDevice>(HostSettings()), true);
    const auto cpu = createBackend("cpu", hyper, 1);
    const auto network = device->generate({}), judge = cpu->generate({});
    device->calibrate(*network, part(0, 6), {1, 2});
    cpu->calibrate(*judge, part(0, 6), {1, 2});
    const int count = Images::kCount - 6, columns = featureCount(architecture, {1, 2});
    std::vector<float> found(size_t(count * columns)), expected = found, alone(static_cast<size_t>(columns));
    KeptRows kept;
    device->features(*network, part(6, count), {1, 2}, found.data(), &kept);
    cpu->features(*judge, part(6, count), {1, 2}, expected.data());
    BOOST_TEST(*std::max_element(expected.begin(), expected.end()) > 65504);
    BOOST_TEST(apart(found, expected) < kAgree);
    for (const int image : {0, 2, 4, 14}) {  // the second and third are flat
        device->features(*network, part(6 + image, 1), {1, 2}, alone.data());
        BOOST_TEST(std::equal(alone.begin(), alone.end(), found.begin() + image * columns));
    }
    // What is kept on the device was mended, too.
    FeatureTable table(columns, 2);
    const std::vector<int> labels(size_t(count), 1);
    table.append(found.data(), labels.data(), count, kept);
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += double(found[size_t(i * columns)]);
    const FeatureStatistics statistics = gatherStatistics(table, *device);
    BOOST_TEST(statistics.sums[size_t(columns)] == sum, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(memory_is_used_again) {
    const auto hyper = hypernetwork();
    const auto device = std::make_shared<HostDevice>(HostSettings());
    const auto backend = cuda::createDeviceBackend(hyper, device, true);
    // Which block serves which request settles in the first two rounds.
    for (int i = 0; i < 2; ++i) predict(*backend, *hyper);
    const size_t most = device->most;
    for (int i = 0; i < 4; ++i) predict(*backend, *hyper);
    BOOST_TEST(device->most == most);
}

BOOST_AUTO_TEST_CASE(several_threads_predict_at_once) {
    const auto hyper = hypernetwork();
    const auto backend = backendOn(std::make_shared<HostDevice>(HostSettings()), hyper);
    const Outcome expected = predict(*backend, *hyper);
    std::atomic<int> same{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            const Outcome found = predict(*backend, *hyper);
            same += found.encoded == expected.encoded && found.features == expected.features &&
                    found.gram == expected.gram && found.statistics.gram == expected.statistics.gram;
        });
    }
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST(same == 4);
}

BOOST_AUTO_TEST_CASE(a_network_outlives_its_backend) {
    const auto hyper = hypernetwork();
    std::unique_ptr<BackendNetwork> network;
    {
        const auto backend = backendOn(std::make_shared<HostDevice>(HostSettings()), hyper);
        network = backend->generate({});
    }
    network.reset();
}

BOOST_AUTO_TEST_CASE(uploaded_weights_come_back_and_survive_the_device) {
    const auto hyper = hypernetwork();
    const auto cpu = createBackend("cpu", hyper, 1);
    const Images images;
    const auto made = cpu->generate({});
    cpu->calibrate(*made, images.batch, {1});
    const NetworkWeights weights = cpu->download(*made);
    HostSettings settings;
    settings.lifetime = 60;
    const auto backend = backendOn(std::make_shared<HostDevice>(settings), hyper);
    const auto network = backend->upload(weights);
    for (int round = 0; round < 8; ++round) {
        const NetworkWeights found = backend->download(*network);
        for (size_t i = 0; i < weights.size(); ++i) {
            BOOST_TEST((found[i].kernel.values == weights[i].kernel.values));
            BOOST_TEST((found[i].mean == weights[i].mean));
            BOOST_TEST((found[i].variance == weights[i].variance));
        }
    }
    BOOST_TEST(holds(backend->device(), "instead of"));
}

BOOST_AUTO_TEST_CASE(errors_of_the_caller_are_no_device_failures) {
    const auto hyper = hypernetwork();
    const auto backend = backendOn(std::make_shared<HostDevice>(HostSettings()), hyper);
    BOOST_CHECK_THROW(backend->unroll({1, 2}), std::exception);
    BOOST_TEST(!holds(backend->device(), "instead of"));
}

// ---- names ----

BOOST_AUTO_TEST_CASE(cuda_names) {
    BOOST_TEST(parseCudaName("cuda").device == 0);
    BOOST_TEST(!parseCudaName("cuda").exact);
    BOOST_TEST(parseCudaName("cuda:exact").exact);
    BOOST_TEST(parseCudaName("cuda:1").device == 1);
    BOOST_TEST(!parseCudaName("cuda:1").exact);
    BOOST_TEST(parseCudaName("cuda:12:exact").device == 12);
    BOOST_TEST(parseCudaName("cuda:12:exact").exact);
    BOOST_TEST(!parseCudaName("cuda:12:exact").fused);
    BOOST_TEST(parseCudaName("cuda:fused").fused);
    BOOST_TEST(!parseCudaName("cuda:fused").exact);
    BOOST_TEST(parseCudaName("cuda:3:fused").device == 3);
    for (const char* wrong : {"cuda:", "cuda:x", "cuda:-1", "cuda:1:", "cuda:1:2", "cuda::exact", "cuda:9999",
                              "cuda:exact:fused", "cuda:fused:exact"}) {
        BOOST_CHECK_THROW(parseCudaName(wrong), std::exception);
    }
    BOOST_TEST(!isCudaName("cudagpu"));
    const auto hyper = hypernetwork();
    BOOST_CHECK_THROW(createBackend("cuda:77", hyper), std::exception);
}

BOOST_AUTO_TEST_CASE(without_a_device_auto_says_so_once_and_uses_the_cpu) {
    if (cudaUnavailableReason(0).empty()) {
        BOOST_TEST_MESSAGE("skipped: this machine has a CUDA device");
        return;
    }
    const auto hyper = hypernetwork();
    std::ostringstream heard;
    std::streambuf* const before = std::cerr.rdbuf(heard.rdbuf());
    const std::string first = createBackend("auto", hyper)->device(), second = createBackend("auto", hyper)->device();
    std::cerr.rdbuf(before);
    BOOST_TEST(holds(first, "CPU"));
    BOOST_TEST(first == second);
    const std::string text = heard.str();
    // A build without CUDA has nothing to say.
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == (cudaBackendBuilt() ? 1 : 0));
    if (cudaBackendBuilt()) BOOST_TEST(holds(text, "CUDA"));
}
