// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "judgement.hpp"

#include <nlohmann/json.hpp>

#include "accuracy_interval.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const size_t kMostPairs = 10000;

// The most frequent pairs, and how many images the others hold.
void addConfusion(Json& result, const Confusion& confusion) {
    Json pairs = Json::array();
    int leftOut = 0;
    for (const ConfusedPair& pair : confusion.mistakes()) {
        if (pairs.size() < kMostPairs) {
            pairs.push_back({pair.label, pair.answer, pair.images});
        } else {
            leftOut += pair.images;
        }
    }
    result["confusion"] = pairs;
    result["confusion_left_out"] = leftOut;
}

Json toJson(const Reliability& reliability) {
    Json bins = Json::array();
    for (const Reliability::Bin& bin : reliability.bins()) {
        const double mean = bin.images > 0 ? bin.confidence / double(bin.images) : 0.0;
        bins.push_back({{"images", bin.images}, {"right", bin.right}, {"confidence", mean}});
    }
    return bins;
}

Json toJson(const RejectionCurve& curve) {
    Json points = Json::array();
    for (const RejectionPoint& point : curve.points()) {
        Json row = {{"threshold", point.threshold}, {"refused", point.refused}, {"accuracy", point.accuracy}};
        if (curve.strangers() > 0) row["strangers_refused"] = point.strangersRefused;
        points.push_back(row);
    }
    return points;
}

}  // namespace

Judgement::Judgement(int classes) : confusion_(classes) {}

void Judgement::add(int label, int answer, double confidence, float familiarity) {
    const bool right = label == answer;
    ++images_;
    right_ += right ? 1 : 0;
    confusion_.add(label, answer);
    reliability_.add(confidence, right);
    rejection_.add(familiarity, right);
}

void Judgement::addStranger(float familiarity) {
    rejection_.addStranger(familiarity);
}

int Judgement::images() const {
    return images_;
}

double Judgement::accuracy() const {
    return images_ > 0 ? double(right_) / double(images_) : 0.0;
}

double Judgement::calibrationError() const {
    return reliability_.calibrationError();
}

const Confusion& Judgement::confusion() const {
    return confusion_;
}

std::string Judgement::json() const {
    const AccuracyInterval interval = wilsonInterval(right_, images_);
    Json result;
    result["images"] = images_;
    result["right"] = right_;
    result["interval"] = {interval.low, interval.high};
    result["calibration_error"] = calibrationError();
    result["class_images"] = confusion_.images();
    result["class_right"] = confusion_.right();
    addConfusion(result, confusion_);
    result["reliability"] = toJson(reliability_);
    result["rejection"] = toJson(rejection_);
    return result.dump();
}

}  // namespace hyperpred
}  // namespace cv
