// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "self_test.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <opencv2/hyperpred.hpp>
#include <opencv2/imgproc.hpp>

#include "backend.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kClasses = 3, kSupport = 6, kAsked = 4;  // of each class
const int kCompared = 2;                           // images: the reference takes a tenth of a second for each
const int kMostWrong = 1;

// How far half a network of rounding may take a backend: float in another order, or half precision (doc/cuda.md).
const double kMostApart = 1e-3, kMostApartHalf = 2e-2;

// A disc, a cross or stripes on a ground, everything but the kind drawn by chance.
cv::Mat figure(int kind, int size, cv::RNG& chance) {
    const auto colour = [&](int low, int high) {
        return cv::Scalar(chance.uniform(low, high), chance.uniform(low, high), chance.uniform(low, high));
    };
    cv::Mat image(size, size, CV_8UC3, colour(0, 90));
    const cv::Scalar ink = colour(150, 256);
    const int centre = size / 2 + chance.uniform(-size / 8, size / 8 + 1), reach = chance.uniform(size / 5, size / 3);
    if (kind == 0) {
        cv::circle(image, cv::Point(centre, centre), reach, ink, cv::FILLED);
    } else if (kind == 1) {
        const int width = std::max(1, size / 12);
        cv::line(image, cv::Point(centre - reach, centre), cv::Point(centre + reach, centre), ink, width);
        cv::line(image, cv::Point(centre, centre - reach), cv::Point(centre, centre + reach), ink, width);
    } else {
        const int step = std::max(4, size / 8);
        for (int y = chance.uniform(0, step); y < size; y += step) {
            cv::line(image, cv::Point(0, y), cv::Point(size - 1, y), ink, std::max(1, size / 24));
        }
    }
    return image;
}

struct Figures {
    std::vector<cv::Mat> images;
    std::vector<int> labels;
};

Figures drawFigures(int each, int size, int seed) {
    Figures figures;
    cv::RNG chance(static_cast<uint64>(seed));
    for (int i = 0; i < each * kClasses; ++i) {
        figures.images.push_back(figure(i % kClasses, size, chance));
        figures.labels.push_back(i % kClasses);
    }
    return figures;
}

// The backend's answer to the same images under the same hypernetwork, from sketch to features.
std::vector<float> featuresBy(const std::string& name, const std::shared_ptr<const HyperNetwork>& hyper,
                              const std::vector<uint8_t>& pixels) {
    const auto backend = createBackend(name, hyper);
    ImageBatch batch;
    batch.pixels = pixels.data();
    batch.count = kCompared;
    batch.size = hyper->architecture.size;
    std::vector<float> codes;
    if (hyper->trained) {
        const std::vector<float> pooled = poolByLabel(backend->encode(batch), {0, 1}, imageFeatureCount(hyper->sketch));
        codes = backend->unroll(sketchFromPooled(hyper->sketch, pooled));
    }
    const auto network = backend->generate(codes);
    FeatureChoice choice({int(hyper->architecture.stages.size())}, Pooling::Rms);
    return backend->calibrate(*network, batch, choice);
}

double relativeDistance(const std::vector<float>& found, const std::vector<float>& expected) {
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < expected.size(); ++i) {
        const double off = std::abs(double(found[i]) - double(expected[i]));
        most = std::isfinite(off) ? std::max(most, off) : HUGE_VAL;
        scale = std::max(scale, std::abs(double(expected[i])));
    }
    return most / scale;
}

void compareBackends(const std::string& model, SelfTest& result) {
    const auto hyper = std::make_shared<const HyperNetwork>(loadHyperNetwork(ModelFile::open(model)));
    std::vector<uint8_t> pixels;
    for (const cv::Mat& image : drawFigures(1, hyper->architecture.size, 3).images) {
        pixels.insert(pixels.end(), image.datastart, image.dataend);
    }
    const std::vector<float> expected = featuresBy("reference", hyper, pixels);
    for (const std::string& name : availableBackends()) {
        if (name != "reference") result.apart[name] = relativeDistance(featuresBy(name, hyper, pixels), expected);
    }
}

void predictFigures(const std::string& model, SelfTest& result) {
    const auto predictor = HyperPredictor::create(model);
    const int size = 64;  // any: images of another size are resized
    const Figures support = drawFigures(kSupport, size, 1), asked = drawFigures(kAsked, size, 2);
    predictor->add(support.images, support.labels);
    const auto prediction = predictor->predict();
    result.device = prediction->device();
    cv::Mat labels;
    prediction->classify(asked.images, labels);
    result.asked = int(asked.labels.size());
    for (int i = 0; i < result.asked; ++i) result.right += labels.at<int>(i) == asked.labels[size_t(i)];
}

}  // namespace

bool SelfTest::passed(std::string& why) const {
    for (const auto& backend : apart) {
        const bool half = backend.first.compare(0, 4, "cuda") == 0;
        if (backend.second <= (half ? kMostApartHalf : kMostApart)) continue;
        char distance[32];
        std::snprintf(distance, sizeof distance, "%.1e", backend.second);
        why = "backend \"" + backend.first + "\" is " + distance + " off the reference, more than rounding explains";
        return false;
    }
    if (right + kMostWrong < asked) {
        why = "the predicted network told " + std::to_string(right) + " of " + std::to_string(asked) +
              " drawn figures right; at least " + std::to_string(asked - kMostWrong) + " are expected";
        return false;
    }
    return true;
}

SelfTest runSelfTest(const std::string& model) {
    const auto start = std::chrono::steady_clock::now();
    SelfTest result;
    compareBackends(model, result);
    predictFigures(model, result);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

}  // namespace hyperpred
}  // namespace cv
