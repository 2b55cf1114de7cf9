// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "reference/reference_backend.hpp"

#include "calibration.hpp"
#include "error.hpp"
#include "reference/plain_loops.hpp"

namespace cv {
namespace hyperpred {

namespace {

class ReferenceNetwork : public BackendNetwork {
public:
    NetworkWeights weights;
};

const ReferenceNetwork& cast(const BackendNetwork& network) {
    const auto* own = dynamic_cast<const ReferenceNetwork*>(&network);
    if (own == nullptr) fail(Failure::Internal, "a network of another backend reached the reference backend");
    return *own;
}

class ReferenceBackend : public Backend {
public:
    explicit ReferenceBackend(std::shared_ptr<const HyperNetwork> hyper) : hyper_(std::move(hyper)) {}

    std::string device() const override { return "CPU, plain loops on one thread"; }

    std::vector<float> encode(const ImageBatch& images) override {
        checkImages(images);
        return reference::encode(hyper_->sketch, images);
    }

    std::vector<float> unroll(const std::vector<float>& sketch) override {
        checkSketch(*hyper_, sketch);
        return reference::unroll(hyper_->recurrent, sketch);
    }

    std::unique_ptr<BackendNetwork> generate(const std::vector<float>& codes) override {
        checkCodes(*hyper_, codes);
        auto network = std::make_unique<ReferenceNetwork>();
        network->weights = reference::generate(*hyper_, codes);
        return network;
    }

    std::vector<float> calibrate(BackendNetwork& network, const ImageBatch& sample, const FeatureChoice& choice,
                                 const std::function<void(double)>& progress, KeptRows*) override {
        checkPass(hyper_->architecture, sample, choice.stages);
        NetworkWeights& weights = const_cast<ReferenceNetwork&>(cast(network)).weights;
        const std::vector<int> chosen = calibrationImages(hyper_->architecture, sample.count);
        reference::calibrate(hyper_->architecture, weights, sample, chosen, progress);
        std::vector<float> rows(size_t(sample.count) * size_t(featureCount(hyper_->architecture, choice.stages)));
        reference::features(hyper_->architecture, weights, sample, choice, rows.data());
        return rows;
    }

    void features(const BackendNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* out,
                  KeptRows*) override {
        checkPass(hyper_->architecture, images, choice.stages);
        checkCalibrated(hyper_->architecture, cast(network).weights);
        reference::features(hyper_->architecture, cast(network).weights, images, choice, out);
    }

    void gram(const float* features, int rows, int columns, double* sum) override {
        const size_t p = size_t(columns);
        for (size_t n = 0; n < size_t(rows); ++n) {
            const float* row = features + n * p;
            for (size_t i = 0; i < p; ++i) {
                for (size_t j = 0; j < p; ++j) sum[i * p + j] += double(row[i]) * double(row[j]);
            }
        }
    }

    NetworkWeights download(const BackendNetwork& network) const override { return cast(network).weights; }

    std::unique_ptr<BackendNetwork> upload(const NetworkWeights& weights) override {
        auto network = std::make_unique<ReferenceNetwork>();
        network->weights = weights;
        return network;
    }

private:
    std::shared_ptr<const HyperNetwork> hyper_;
};

}  // namespace

std::unique_ptr<Backend> createReferenceBackend(std::shared_ptr<const HyperNetwork> hypernetwork) {
    return std::make_unique<ReferenceBackend>(std::move(hypernetwork));
}

}  // namespace hyperpred
}  // namespace cv
