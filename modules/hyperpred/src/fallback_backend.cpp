// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "fallback_backend.hpp"

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

// A network in both worlds. The host keeps what the second backend needs to make the same one: the codes that it came
// from and, after calibration, the batch-norms' statistics. The kernels stay on the device.
class FallbackNetwork : public BackendNetwork {
public:
    bool uploaded = false;
    std::vector<float> codes;   // not if uploaded
    NetworkWeights statistics;  // mean and variance alone; all weights if uploaded
    std::unique_ptr<BackendNetwork> first;
    mutable std::unique_ptr<BackendNetwork> second;
    mutable std::mutex lock;  // of second
};

template <class Network>  // FallbackNetwork or const FallbackNetwork
Network& own(std::conditional_t<std::is_const<Network>::value, const BackendNetwork, BackendNetwork>& network) {
    auto* result = dynamic_cast<Network*>(&network);
    if (result == nullptr) fail(Failure::Internal, "a network of another backend reached the device's backend");
    return *result;
}

class FallbackBackend : public Backend {
public:
    FallbackBackend(std::unique_ptr<Backend> primary, std::function<std::unique_ptr<Backend>()> second)
        : primary_(std::move(primary)), makeSecond_(std::move(second)) {}

    std::string device() const override {
        const std::lock_guard<std::mutex> lock(lock_);
        if (!second_) return primary_->device();
        return second_->device() + " (instead of " + primary_->device() + ": " + reason_ + ")";
    }

    std::vector<float> encode(const ImageBatch& images) override {
        return attempt([&](Backend& backend) { return backend.encode(images); });
    }

    std::vector<float> unroll(const std::vector<float>& sketch) override {
        return attempt([&](Backend& backend) { return backend.unroll(sketch); });
    }

    std::unique_ptr<BackendNetwork> generate(const std::vector<float>& codes) override {
        auto network = std::make_unique<FallbackNetwork>();
        network->codes = codes;
        attempt([&](Backend& backend) { slot(*network, backend) = backend.generate(codes); });
        return network;
    }

    std::vector<float> calibrate(BackendNetwork& network, const ImageBatch& sample, const FeatureChoice& choice,
                                 const std::function<void(double)>& progress, KeptRows* kept) override {
        auto& both = own<FallbackNetwork>(network);
        double shown = 0;  // never back, even where the second backend begins again
        std::function<void(double)> rising;
        if (progress) {
            rising = [&](double done) {
                shown = std::max(shown, done);
                progress(shown);
            };
        }
        return attempt([&](Backend& backend) {
            const std::vector<float> rows = backend.calibrate(use(both, backend), sample, choice, rising, kept);
            if (&backend == primary_.get()) keepStatistics(both, backend);
            return rows;
        });
    }

    void features(const BackendNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* out,
                  KeptRows* kept) override {
        const auto& both = own<const FallbackNetwork>(network);
        attempt([&](Backend& backend) { backend.features(use(both, backend), images, choice, out, kept); });
    }

    void gram(const float* features, int rows, int columns, double* sum) override {
        // A device may fail after it has written some of it: the sum is added to at the end.
        std::vector<double> part(size_t(columns) * size_t(columns));
        attempt([&](Backend& backend) {
            std::fill(part.begin(), part.end(), 0.0);
            backend.gram(features, rows, columns, part.data());
        });
        for (size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
    }

    // Rows that the first backend kept are strange to the second, which reads them from host memory.
    bool sumRows(const FeatureRows& rows, double* sums, double* gram) override {
        return attempt([&](Backend& backend) { return backend.sumRows(rows, sums, gram); });
    }

    NetworkWeights download(const BackendNetwork& network) const override {
        const auto& both = own<const FallbackNetwork>(network);
        return attempt([&](Backend& backend) { return backend.download(use(both, backend)); });
    }

    NetworkWeights statistics(const BackendNetwork& network) const override {
        const auto& both = own<const FallbackNetwork>(network);
        return attempt([&](Backend& backend) { return backend.statistics(use(both, backend)); });
    }

    std::unique_ptr<BackendNetwork> upload(const NetworkWeights& weights) override {
        auto network = std::make_unique<FallbackNetwork>();
        network->uploaded = true;
        network->statistics = weights;
        attempt([&](Backend& backend) { slot(*network, backend) = backend.upload(weights); });
        return network;
    }

    void finish() override {
        attempt([](Backend& backend) { backend.finish(); });
    }
    std::string routines() const override {
        Backend* second = secondIfAny();
        return second ? second->routines() : primary_->routines();
    }

private:
    // Runs `call` on the backend in charge and, where that one fails, on the other.
    template <class Call>
    auto attempt(const Call& call) const -> decltype(call(std::declval<Backend&>())) {
        Backend* second = secondIfAny();
        if (second) return call(*second);
        std::string reason;
        try {
            return call(*primary_);
        } catch (const DeviceFailure& failure) {
            reason = failure.what();
        }
        return call(takeSecond(reason));
    }

    Backend* secondIfAny() const {
        const std::lock_guard<std::mutex> lock(lock_);
        return second_.get();
    }

    Backend& takeSecond(const std::string& reason) const {
        const std::lock_guard<std::mutex> lock(lock_);
        if (!second_) {
            second_ = makeSecond_();
            reason_ = reason;
        }
        return *second_;
    }

    std::unique_ptr<BackendNetwork>& slot(FallbackNetwork& network, const Backend& backend) const {
        return &backend == primary_.get() ? network.first : network.second;
    }

    BackendNetwork& use(const FallbackNetwork& network, Backend& backend) const {
        if (&backend == primary_.get()) return *network.first;
        const std::lock_guard<std::mutex> lock(network.lock);
        if (!network.second) network.second = again(network, backend);
        return *network.second;
    }

    static std::unique_ptr<BackendNetwork> again(const FallbackNetwork& network, Backend& backend) {
        if (network.uploaded) return backend.upload(network.statistics);
        auto made = backend.generate(network.codes);
        if (network.statistics.empty()) return made;
        NetworkWeights weights = backend.download(*made);
        for (size_t i = 0; i < weights.size(); ++i) {
            weights[i].mean = network.statistics[i].mean;
            weights[i].variance = network.statistics[i].variance;
        }
        return backend.upload(weights);
    }

    static void keepStatistics(FallbackNetwork& network, const Backend& backend) {
        NetworkWeights found = backend.statistics(*network.first);
        network.statistics.resize(found.size());
        for (size_t i = 0; i < found.size(); ++i) {
            network.statistics[i].mean = std::move(found[i].mean);
            network.statistics[i].variance = std::move(found[i].variance);
        }
    }

    std::unique_ptr<Backend> primary_;
    std::function<std::unique_ptr<Backend>()> makeSecond_;
    mutable std::mutex lock_;  // of the two below
    mutable std::unique_ptr<Backend> second_;
    mutable std::string reason_;
};

}  // namespace

std::unique_ptr<Backend> createFallbackBackend(std::unique_ptr<Backend> primary,
                                               std::function<std::unique_ptr<Backend>()> second) {
    return std::make_unique<FallbackBackend>(std::move(primary), std::move(second));
}

}  // namespace hyperpred
}  // namespace cv
