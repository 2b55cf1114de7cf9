// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/cpu_backend.hpp"

#include <algorithm>
#include <fstream>
#include <type_traits>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "calibration.hpp"
#include "cpu/hypernetwork_pass.hpp"
#include "cpu/kernels.hpp"
#include "cpu/matrix.hpp"
#include "cpu/network.hpp"
#include "error.hpp"
#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {

namespace {

// glibc keeps what was freed between blocks still in use; after a calibration that is a hundred megabytes.
void returnFreeMemory() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

std::string processorName() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        const size_t colon = line.find(": ");
        if (line.compare(0, 10, "model name") == 0 && colon != std::string::npos) return line.substr(colon + 2);
    }
    return "processor without a name";
}

template <class Network>  // CpuNetwork or const CpuNetwork
Network& own(std::conditional_t<std::is_const<Network>::value, const BackendNetwork, BackendNetwork>& network) {
    auto* result = dynamic_cast<Network*>(&network);
    if (result == nullptr) fail(Failure::Internal, "a network of another backend reached the CPU backend");
    return *result;
}

class CpuBackend : public Backend {
public:
    CpuBackend(std::shared_ptr<const HyperNetwork> hyper, int threads)
        : hyper_(std::move(hyper)), workers_(std::max(1, threads)), plan_(cpu::makePlan(hyper_->architecture)) {}

    std::string device() const override {
        const int threads = workers_.count();
        return "CPU, " + processorName() + ", " + std::to_string(threads) +
               (threads == 1 ? " thread, " : " threads, ") + cpu::kernels().name;
    }

    std::vector<float> encode(const ImageBatch& images) override {
        checkImages(images);
        return cpu::encode(hyper_->sketch, images, workers_);
    }

    std::vector<float> unroll(const std::vector<float>& sketch) override {
        checkSketch(*hyper_, sketch);
        return cpu::unroll(hyper_->recurrent, sketch);
    }

    std::unique_ptr<BackendNetwork> generate(const std::vector<float>& codes) override {
        checkCodes(*hyper_, codes);
        auto network = std::make_unique<cpu::CpuNetwork>();
        network->weights = cpu::generate(*hyper_, codes, workers_);
        return network;
    }

    std::vector<float> calibrate(BackendNetwork& network, const ImageBatch& sample, const FeatureChoice& choice,
                                 const std::function<void(double)>& progress, KeptRows*) override {
        const Architecture& architecture = hyper_->architecture;
        checkPass(architecture, sample, choice.stages);
        auto& cpuNetwork = own<cpu::CpuNetwork>(network);
        std::vector<float> rows(size_t(sample.count) * size_t(featureCount(architecture, choice.stages)));
        const std::vector<int> chosen = calibrationImages(architecture, sample.count);
        if (int(chosen.size()) == sample.count) {
            cpu::calibrateNetwork(architecture, plan_, workers_, cpuNetwork, sample, choice, rows.data(), progress);
            returnFreeMemory();
            return rows;
        }
        calibrateOnSome(cpuNetwork, sample, chosen, progress);
        cpu::forwardNetwork(architecture, plan_, workers_, pool_, cpuNetwork, sample, choice, rows.data());
        // Packed weights take four times the memory of plain ones, and another candidate may follow.
        cpuNetwork.forgetFolded();
        returnFreeMemory();
        return rows;
    }

    void features(const BackendNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* out,
                  KeptRows*) override {
        checkPass(hyper_->architecture, images, choice.stages);
        const auto& cpuNetwork = own<const cpu::CpuNetwork>(network);
        checkCalibrated(hyper_->architecture, cpuNetwork.weights);
        cpu::forwardNetwork(hyper_->architecture, plan_, workers_, pool_, cpuNetwork, images, choice, out);
    }

    void gram(const float* features, int rows, int columns, double* sum) override {
        cpu::addGram(features, rows, columns, sum, workers_);
    }

    NetworkWeights download(const BackendNetwork& network) const override {
        return own<const cpu::CpuNetwork>(network).weights;
    }

    std::unique_ptr<BackendNetwork> upload(const NetworkWeights& weights) override {
        auto network = std::make_unique<cpu::CpuNetwork>();
        network->weights = weights;
        return network;
    }

private:
    void calibrateOnSome(cpu::CpuNetwork& network, const ImageBatch& sample, const std::vector<int>& chosen,
                         const std::function<void(double)>& progress) {
        const size_t imageBytes = size_t(sample.size) * size_t(sample.size) * 3;
        std::vector<uint8_t> pixels(chosen.size() * imageBytes);
        for (size_t i = 0; i < chosen.size(); ++i) {
            const uint8_t* from = sample.pixels + size_t(chosen[i]) * imageBytes;
            std::copy(from, from + imageBytes, pixels.data() + i * imageBytes);
        }
        ImageBatch some;
        some.pixels = pixels.data();
        some.count = int(chosen.size());
        some.size = sample.size;
        // The rest of the work is the pass for the features.
        const double share = double(some.count) / double(some.count + sample.count);
        cpu::calibrateNetwork(hyper_->architecture, plan_, workers_, network, some, {}, nullptr, [&](double done) {
            if (progress) progress(share * done);
        });
    }

    std::shared_ptr<const HyperNetwork> hyper_;
    cpu::Workers workers_;
    cpu::Plan plan_;
    cpu::BufferPool pool_;
};

}  // namespace

std::unique_ptr<Backend> createCpuBackend(std::shared_ptr<const HyperNetwork> hypernetwork, int threads) {
    return std::make_unique<CpuBackend>(std::move(hypernetwork), threads);
}

void addGramOnCpu(const float* rows, int count, int columns, double* sum) {
    cpu::addGram(rows, count, columns, sum, cpu::Workers(cv::getNumThreads()));
}

}  // namespace hyperpred
}  // namespace cv
