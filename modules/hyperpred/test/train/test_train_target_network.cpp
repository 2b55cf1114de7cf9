// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_target_network
#include <boost/test/unit_test.hpp>

#include "target_network.hpp"
#include "tiny_training.hpp"

using namespace cv::hyperpred;

namespace {

// Sums of a few hundred floats in another order.
const double kRounding = 1e-5;

bool processorSays(const std::string& flag) {
    std::ifstream in("/proc/cpuinfo");
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return text.find(" " + flag) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(PrecisionIsWhatIsAskedForOrWhatTheDeviceComputesIn) {
    const torch::Device cpu(torch::kCPU), gpu(torch::kCUDA);
    for (const torch::Device& device : {cpu, gpu}) {
        BOOST_CHECK(computesInHalf("bf16", device));
        BOOST_CHECK(!computesInHalf("f32", device));
    }
    BOOST_CHECK(!computesInHalf("auto", gpu) || torch::cuda::is_available());
    BOOST_CHECK_EQUAL(computesInHalf("auto", cpu), processorSays("avx512_bf16"));
}

BOOST_AUTO_TEST_CASE(StatisticsOfABatchGiveItsFeaturesAgain) {
    const TinyTraining tiny;
    const Architecture architecture = loadArchitecture(tiny.path("net.json"));
    torch::Generator chance = torch::make_generator<at::CPUGeneratorImpl>(uint64_t(3));
    const TargetWeights weights = baseWeights(architecture, initialBase(architecture, chance));
    const torch::Tensor input = torch::randn({13, 3, 16, 16}, chance, torch::kFloat);
    Moments moments;
    const StageOutputs batch = forwardTarget(architecture, weights, input, &moments);
    const StageOutputs constant = forwardCalibrated(architecture, weights, input, moments);
    const StageOutputs one = forwardCalibrated(architecture, weights, input.slice(0, 5, 6), moments);
    for (size_t s = 0; s < batch.rms.size(); ++s) {
        BOOST_CHECK(torch::allclose(batch.rms[s], constant.rms[s], kRounding, kRounding));
        BOOST_CHECK(torch::allclose(batch.rms[s].slice(0, 5, 6), one.rms[s], kRounding, kRounding));
        BOOST_CHECK(!torch::allclose(batch.rms[s].slice(0, 4, 5), one.rms[s], kRounding, kRounding));
    }
}
