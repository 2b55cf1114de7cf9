// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "reliability.hpp"

#include <algorithm>
#include <cmath>

namespace cv {
namespace hyperpred {

namespace {

const int kBins = 15;

}  // namespace

Reliability::Reliability() : bins_(size_t(kBins)) {}

void Reliability::add(double confidence, bool right) {
    Bin& bin = bins_[size_t(std::clamp(int(confidence * kBins), 0, kBins - 1))];
    ++bin.images;
    bin.right += right ? 1 : 0;
    bin.confidence += confidence;
}

const std::vector<Reliability::Bin>& Reliability::bins() const {
    return bins_;
}

double Reliability::calibrationError() const {
    double error = 0;
    int images = 0;
    for (const Bin& bin : bins_) {
        error += std::abs(double(bin.right) - bin.confidence);
        images += bin.images;
    }
    return images > 0 ? error / double(images) : 0.0;
}

}  // namespace hyperpred
}  // namespace cv
