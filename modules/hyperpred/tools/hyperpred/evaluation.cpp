// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace cv {
namespace hyperpred {

namespace {

const size_t kBins = 15;

double share(int part, int whole) {
    return whole > 0 ? double(part) / double(whole) : 0.0;
}

// Number of classes with a higher probability; ties count for the image.
int rankOf(int label, const std::vector<float>& probabilities) {
    const float own = probabilities[size_t(label)];
    return int(std::count_if(probabilities.begin(), probabilities.end(), [own](float p) { return p > own; }));
}

}  // namespace

Evaluation::Evaluation(std::vector<std::string> classNames)
    : names_(std::move(classNames)),
      confusion_(names_.size(), std::vector<int>(names_.size(), 0)),
      bins_(kBins) {}

void Evaluation::add(int label, const Answer& answer) {
    if (label < 0) {
        ++foreign_;
        foreignRefused_ += answer.unknown ? 1 : 0;
        return;
    }
    const bool right = answer.label == label;
    ++images_;
    right_ += right ? 1 : 0;
    rightInFive_ += rankOf(label, answer.probabilities) < 5 ? 1 : 0;
    refused_ += answer.unknown ? 1 : 0;
    ++confusion_[size_t(label)][size_t(answer.label)];
    const double confidence = double(answer.probabilities[size_t(answer.label)]);
    Bin& bin = bins_[std::min(kBins - 1, size_t(confidence * double(kBins)))];
    ++bin.images;
    bin.right += right ? 1 : 0;
    bin.confidence += confidence;
}

int Evaluation::images() const {
    return images_;
}

double Evaluation::top1() const {
    return share(right_, images_);
}

double Evaluation::calibrationError() const {
    double error = 0;
    for (const Bin& bin : bins_) error += std::abs(double(bin.right) - bin.confidence);
    return images_ > 0 ? error / double(images_) : 0.0;
}

std::string Evaluation::json() const {
    nlohmann::ordered_json result;
    result["images"] = images_;
    result["top1"] = top1();
    result["top5"] = share(rightInFive_, images_);
    result["calibration_error"] = calibrationError();
    result["refused"] = share(refused_, images_);
    result["foreign_images"] = foreign_;
    result["foreign_refused"] = share(foreignRefused_, foreign_);
    result["per_class"] = nlohmann::ordered_json::array();
    for (size_t c = 0; c < names_.size(); ++c) {
        std::vector<int> others = confusion_[c];
        const int total = std::accumulate(others.begin(), others.end(), 0);
        if (total == 0) continue;
        others[c] = 0;
        const auto worst = std::max_element(others.begin(), others.end());
        nlohmann::ordered_json row = {{"name", names_[c]}, {"images", total},
                                      {"accuracy", share(confusion_[c][c], total)}, {"confused_with", nullptr}};
        if (*worst > 0) row["confused_with"] = names_[size_t(worst - others.begin())];
        result["per_class"].push_back(row);
    }
    result["class_names"] = names_;
    result["confusion"] = confusion_;
    return result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hyperpred
}  // namespace cv
