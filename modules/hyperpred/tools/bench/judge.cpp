// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "judge.hpp"

#include <algorithm>
#include <chrono>

#include "sample.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kSample = 1000;  // PredictOptions::sampleSize
const int kBatch = 256;       // images of a feature pass
const double kRejected = 0.01;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

// Support images in the predictor's order, and the sample that it would choose.
struct Judge::Ordered {
    std::vector<uint8_t> pixels, samplePixels;
    std::vector<int> labels, sampleLabels;
    int size = 0;

    ImageBatch sample() const {
        ImageBatch batch;
        batch.pixels = samplePixels.data();
        batch.count = int(sampleLabels.size());
        batch.size = size;
        return batch;
    }
};

Judge::Ordered Judge::ordered(const LabelledImages& images) {
    const SupportSet set = supportSetOf(images);
    const std::vector<SupportEntry> entries = set.canonical();
    Ordered result;
    result.size = images.size;
    result.pixels.resize(images.pixels.size());
    for (size_t i = 0; i < entries.size(); ++i) {
        set.readPixels(entries[i].record, result.pixels.data() + i * images.imageBytes());
        result.labels.push_back(entries[i].label);
    }
    for (const size_t place : chooseSample(entries, int(images.classNames.size()), kSample)) {
        const uint8_t* from = result.pixels.data() + place * images.imageBytes();
        result.samplePixels.insert(result.samplePixels.end(), from, from + images.imageBytes());
        result.sampleLabels.push_back(result.labels[place]);
    }
    return result;
}

namespace {

std::vector<float> allFeatures(Backend& backend, const BackendNetwork& network, const uint8_t* pixels, int count,
                               int size, const FeatureChoice& choice, int columns) {
    std::vector<float> features(size_t(count) * size_t(columns));
    const size_t bytes = size_t(size) * size_t(size) * 3;
    for (int first = 0; first < count; first += kBatch) {
        ImageBatch batch;
        batch.pixels = pixels + size_t(first) * bytes;
        batch.count = std::min(kBatch, count - first);
        batch.size = size;
        backend.features(network, batch, choice, features.data() + size_t(first) * size_t(columns));
    }
    return features;
}

double shareRight(const Head& head, const std::vector<float>& features, const std::vector<int>& labels) {
    const std::vector<float> logits = applyHead(head, features.data(), int(labels.size()));
    int right = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
        const float* row = logits.data() + i * size_t(head.classes);
        right += int(std::max_element(row, row + head.classes) - row) == labels[i];
    }
    return double(right) / double(std::max<size_t>(1, labels.size()));
}

}  // namespace

Judge::Judge(const std::string& modelFile, int threads)
    : hyper_(std::make_shared<const HyperNetwork>(loadHyperNetwork(ModelFile::open(modelFile)))),
      backend_(createBackend("auto", hyper_, threads)) {}

FeatureChoice Judge::defaultFeatures() const {
    const int last = int(hyper_->architecture.stages.size());
    FeatureChoice choice({}, Pooling::Rms);
    for (int stage = std::max(1, last - 2); stage <= last; ++stage) choice.stages.push_back(stage);
    return choice;
}

FeatureChoice Judge::lastStage() const {
    return FeatureChoice({int(hyper_->architecture.stages.size())}, Pooling::Mean);
}

std::vector<float> Judge::codesFor(const LabelledImages& images) {
    return codesOf(ordered(images));
}

std::vector<float> Judge::codesOf(const Ordered& images) {
    const std::vector<float> perImage = backend_->encode(images.sample());
    return backend_->unroll(sketchFromPooled(
        hyper_->sketch, poolByLabel(perImage, images.sampleLabels, imageFeatureCount(hyper_->sketch))));
}

NetworkWeights Judge::calibratedOn(const std::vector<float>& codes, const LabelledImages& images) {
    const std::unique_ptr<BackendNetwork> network = backend_->generate(codes);
    const Ordered order = ordered(images);
    backend_->calibrate(*network, order.sample(), lastStage());
    return backend_->download(*network);
}

Verdict Judge::judge(const Question& question) {
    const LabelledImages& support = *question.support;
    const double start = now();
    const Ordered images = ordered(support);
    std::unique_ptr<BackendNetwork> network;
    if (question.network != nullptr) {
        network = backend_->upload(*question.network);
    } else {
        network = backend_->generate(question.codes != nullptr ? *question.codes : codesOf(images));
        backend_->calibrate(*network, images.sample(), question.features);
    }
    const int columns = featureCount(hyper_->architecture, question.features.stages);
    const auto featuresOf = [&](const uint8_t* pixels, int count) {
        return allFeatures(*backend_, *network, pixels, count, support.size, question.features, columns);
    };
    FeatureTable table(columns, int(support.classNames.size()));
    table.append(featuresOf(images.pixels.data(), support.count()).data(), images.labels.data(), support.count());
    const FittedHead fitted = fitHead(question.head, table, gatherStatistics(table, *backend_), kRejected);
    Verdict verdict;
    verdict.seconds = now() - start;
    verdict.expected = fitted.leaveOneOut.accuracy;
    verdict.accuracy = shareRight(
        fitted.head, featuresOf(question.test->pixels.data(), question.test->count()), question.test->labels);
    return verdict;
}

}  // namespace hyperpred
}  // namespace cv
