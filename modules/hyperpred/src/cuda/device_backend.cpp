// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/device_backend.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "calibration.hpp"
#include "cuda/encoder.hpp"
#include "cuda/generate.hpp"
#include "cuda/head_sums.hpp"
#include "cuda/network_pass.hpp"
#include "cuda/unroll.hpp"
#include "error.hpp"
#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

template <class Network>  // DeviceNetwork or const DeviceNetwork
Network& own(std::conditional_t<std::is_const<Network>::value, const BackendNetwork, BackendNetwork>& network) {
    auto* result = dynamic_cast<Network*>(&network);
    if (result == nullptr) fail(Failure::Internal, "a network of another backend reached the CUDA backend");
    return *result;
}

// Some images of a batch, together.
struct Some {
    Some(const ImageBatch& all, const std::vector<int>& chosen) {
        const size_t each = size_t(all.size) * size_t(all.size) * 3;
        for (const int image : chosen) {
            const uint8_t* first = all.pixels + size_t(image) * each;
            pixels.insert(pixels.end(), first, first + each);
        }
        batch.pixels = pixels.data();
        batch.count = int(chosen.size());
        batch.size = all.size;
    }
    std::vector<uint8_t> pixels;
    ImageBatch batch;
};

// By the exponent's bits, which a compiler makes vectors of: features come by the million.
bool allFinite(const float* values, size_t count) {
    const uint32_t exponent = 0x7f800000u;
    uint32_t most = 0;
    for (size_t i = 0; i < count; ++i) {
        uint32_t bits;
        std::memcpy(&bits, values + i, sizeof(bits));
        most = std::max(most, bits & exponent);
    }
    return most != exponent;
}

class DeviceBackend : public Backend {
public:
    DeviceBackend(std::shared_ptr<const HyperNetwork> hyper, std::shared_ptr<Device> device, bool half)
        : hyper_(std::move(hyper)),
          device_(std::move(device)),
          pool_(std::make_shared<MemoryPool>(device_)),
          layout_(layOut(hyper_->architecture)),
          plan_(makePlan(hyper_->architecture)),
          half_(half),
          chunk_(chunkImages(hyper_->architecture, device_->chunkBytes(), half ? sizeof(Half) : sizeof(float))) {
        device_->enter();
        pool_->setLastResort([this] { keeper_.forget(); });
        generate_ = std::make_unique<Generate>(*hyper_, layout_, *pool_);
        if (!hyper_->trained) return;
        unroll_ = std::make_unique<Unroll>(hyper_->recurrent, *pool_);
        encoder_ = std::make_unique<Encoder>(hyper_->sketch, *pool_);
    }

    std::string device() const override { return device_->name() + (half_ ? ", half precision" : ", float"); }

    std::vector<float> encode(const ImageBatch& images) override {
        checkImages(images);
        if (!encoder_) checkSketch(*hyper_, {});
        const auto turn = takeTurn();
        std::vector<float> features(size_t(images.count) * size_t(imageFeatureCount(hyper_->sketch)));
        encoder_->run(images, features.data());
        return features;
    }

    std::vector<float> unroll(const std::vector<float>& sketch) override {
        checkSketch(*hyper_, sketch);
        const auto turn = takeTurn();
        return (*unroll_)(sketch);
    }

    std::unique_ptr<BackendNetwork> generate(const std::vector<float>& codes) override {
        checkCodes(*hyper_, codes);
        const auto turn = takeTurn();
        auto network = (*generate_)(codes);
        network->half = half_;
        return network;
    }

    std::vector<float> calibrate(BackendNetwork& network, const ImageBatch& sample, const FeatureChoice& choice,
                                 const std::function<void(double)>& progress, KeptRows* kept) override {
        checkPass(hyper_->architecture, sample, choice.stages);
        auto& deviceNetwork = own<DeviceNetwork>(network);
        const auto turn = takeTurn();
        const int columns = featureCount(hyper_->architecture, choice.stages);
        std::vector<float> rows(size_t(sample.count) * size_t(columns));
        Memory there;
        const std::vector<int> chosen = calibrationImages(hyper_->architecture, sample.count);
        const auto calibrateAll = [&] {
            withChunk([&](const NetworkPass& pass) {
                if (int(chosen.size()) == sample.count) {
                    there = pass.calibrate(deviceNetwork, sample, choice, rows.data(), progress);
                } else {
                    calibrateOnSome(pass, deviceNetwork, sample, chosen, progress);
                    there = pass.features(deviceNetwork, sample, choice, rows.data());
                }
            });
        };
        calibrateAll();
        if (deviceNetwork.half && !finite(deviceNetwork, rows)) {
            deviceNetwork.half = false;
            calibrateAll();
        }
        if (kept) *kept = keeper_.keep(std::move(there), sample.count, columns);
        return rows;
    }

    void features(const BackendNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* out,
                  KeptRows* kept) override {
        checkPass(hyper_->architecture, images, choice.stages);
        const auto& deviceNetwork = own<const DeviceNetwork>(network);
        const auto turn = takeTurn();
        if (!deviceNetwork.calibrated) checkCalibrated(hyper_->architecture, statisticsOf(deviceNetwork));
        Memory there;
        withChunk([&](const NetworkPass& pass) { there = pass.features(deviceNetwork, images, choice, out); });
        const int columns = featureCount(hyper_->architecture, choice.stages);
        if (deviceNetwork.half && !allFinite(out, size_t(images.count) * size_t(columns))) {
            mendRows(deviceNetwork, images, choice, columns, out, there.floats());
        }
        if (kept) *kept = keeper_.keep(std::move(there), images.count, columns);
    }

    void gram(const float* features, int rows, int columns, double* sum) override {
        const std::vector<int> labels(size_t(rows), 0);
        FeatureRows all;
        all.rows = rows;
        all.columns = columns;
        all.classes = 1;
        all.labels = labels.data();
        all.read = [&](int first, int count, float* out) {
            std::copy_n(features + int64_t(first) * columns, int64_t(count) * columns, out);
        };
        std::vector<double> sums(static_cast<size_t>(columns)), part(size_t(columns) * size_t(columns));
        sumRows(all, sums.data(), part.data());
        for (size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
    }

    bool sumRows(const FeatureRows& rows, double* sums, double* gram) override {
        const auto turn = takeTurn();
        for (int block = sumBlockRows(device_->chunkBytes(), rows.columns);;) {
            try {
                cuda::sumRows(*pool_, keeper_, rows, block, sums, gram);
                return true;
            } catch (const DeviceFailure& failure) {
                if (failure.kind() != DeviceFailure::Kind::OutOfMemory || block == 1) throw;
            }
            if (!keeper_.forget()) block /= 2;
            pool_->trim();
        }
    }

    NetworkWeights download(const BackendNetwork& network) const override {
        const auto& deviceNetwork = own<const DeviceNetwork>(network);
        const auto turn = takeTurn();
        return readWeights(hyper_->architecture, layout_, *pool_, deviceNetwork, true);
    }

    std::unique_ptr<BackendNetwork> upload(const NetworkWeights& weights) override {
        const auto turn = takeTurn();
        auto network = emptyNetwork(layout_, *pool_);
        network->half = half_;
        writeWeights(hyper_->architecture, layout_, weights, *pool_, *network);
        return network;
    }

    NetworkWeights statistics(const BackendNetwork& network) const override {
        const auto& deviceNetwork = own<const DeviceNetwork>(network);
        const auto turn = takeTurn();
        return statisticsOf(deviceNetwork);
    }

    void finish() override {
        const auto turn = takeTurn();
        device_->finish();
    }
    std::string routines() const override {
        const auto turn = takeTurn();
        return device_->routines() + (unroll_ ? std::string("; unroll in ") + unroll_->way() : "");
    }

private:
    // One call at a time works on the device: its work is in one order, and the buffers between launches are shared.
    std::unique_lock<std::mutex> takeTurn() const {
        std::unique_lock<std::mutex> turn(lock_);
        device_->enter();
        return turn;
    }

    NetworkWeights statisticsOf(const DeviceNetwork& network) const {
        return readWeights(hyper_->architecture, layout_, *pool_, network, false);
    }

    // An activation beyond 65,504 is infinite in half precision, and soon no number at all.
    bool finite(const DeviceNetwork& network, const std::vector<float>& rows) const {
        const auto all = [](const std::vector<float>& values) { return allFinite(values.data(), values.size()); };
        if (!all(rows)) return false;
        for (const NodeWeights& node : statisticsOf(network)) {
            if (!all(node.mean) || !all(node.variance)) return false;
        }
        return true;
    }

    // An image unlike the sample may leave half precision where the sample did not. Its row, and no other, then comes
    // from float: what an image gets must not depend on the others of its batch.
    void mendRows(const DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice, int columns,
                  float* out, float* there) {
        std::vector<int> wrong;
        for (int row = 0; row < images.count; ++row) {
            if (!allFinite(out + int64_t(row) * columns, size_t(columns))) wrong.push_back(row);
        }
        const auto precise = inFloat(network);
        const Some some(images, wrong);
        std::vector<float> rows(wrong.size() * size_t(columns));
        withChunk([&](const NetworkPass& pass) { pass.features(*precise, some.batch, choice, rows.data()); });
        for (size_t k = 0; k < wrong.size(); ++k) {
            const float* row = rows.data() + k * size_t(columns);
            std::copy_n(row, columns, out + int64_t(wrong[k]) * columns);
            device_->upload(there + int64_t(wrong[k]) * columns, row, size_t(columns) * sizeof(float));
        }
    }

    // The same weights and statistics for activations in float.
    std::unique_ptr<DeviceNetwork> inFloat(const DeviceNetwork& network) const {
        auto precise = emptyNetwork(layout_, *pool_);
        const auto copy = [&](const Memory& to, const Memory& from, int64_t count) {
            device_->copy(to.floats(), from.floats(), size_t(count) * sizeof(float));
        };
        copy(precise->kernels, network.kernels, layout_.kernels);
        copy(precise->gamma, network.gamma, layout_.norms);
        copy(precise->beta, network.beta, layout_.norms);
        copy(precise->mean, network.mean, layout_.norms);
        copy(precise->variance, network.variance, layout_.norms);
        precise->calibrated = true;
        return precise;
    }

    // Without the rows that are kept, then with half the images at a time, while the device's memory does not suffice;
    // from then on for all calls.
    template <class Call>
    void withChunk(const Call& call) {
        for (;;) {
            try {
                call(NetworkPass(hyper_->architecture, layout_, plan_, *pool_, chunk_));
                return;
            } catch (const DeviceFailure& failure) {
                if (failure.kind() != DeviceFailure::Kind::OutOfMemory) throw;
                // The pool has let the kept rows go by itself; but a library's workspace does not come from the pool.
                if (!keeper_.forget()) {
                    if (chunk_ == 1) throw;
                    chunk_ /= 2;
                }
            }
            pool_->trim();
        }
    }

    void calibrateOnSome(const NetworkPass& pass, DeviceNetwork& network, const ImageBatch& sample,
                         const std::vector<int>& chosen, const std::function<void(double)>& progress) const {
        const Some some(sample, chosen);
        // The rest of the work is the pass for the features.
        const double share = double(some.batch.count) / double(some.batch.count + sample.count);
        std::function<void(double)> scaled;
        if (progress) scaled = [&](double done) { progress(share * done); };
        pass.calibrate(network, some.batch, {}, nullptr, scaled);
    }

    std::shared_ptr<const HyperNetwork> hyper_;
    std::shared_ptr<Device> device_;
    std::shared_ptr<MemoryPool> pool_;
    RowKeeper keeper_;
    NetworkLayout layout_;
    Plan plan_;
    bool half_;
    int chunk_;
    mutable std::mutex lock_;
    std::unique_ptr<Generate> generate_;
    std::unique_ptr<Unroll> unroll_;  // null where the file has base weights alone, as the next
    std::unique_ptr<Encoder> encoder_;
};

}  // namespace

std::unique_ptr<Backend> createDeviceBackend(std::shared_ptr<const HyperNetwork> hypernetwork,
                                             std::shared_ptr<Device> device, bool half) {
    return std::make_unique<DeviceBackend>(std::move(hypernetwork), std::move(device), half);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
