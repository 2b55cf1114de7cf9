// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "rejection_curve.hpp"

#include <algorithm>
#include <cstddef>

namespace cv {
namespace hyperpred {

namespace {

const size_t kMostRefused = 50;  // %, as far as PredictOptions::rejected goes

}  // namespace

void RejectionCurve::add(float familiarity, bool right) {
    Judged judged;
    judged.familiarity = familiarity;
    judged.right = right;
    images_.push_back(judged);
}

void RejectionCurve::addStranger(float familiarity) {
    strangers_.push_back(familiarity);
}

int RejectionCurve::strangers() const {
    return int(strangers_.size());
}

std::vector<RejectionPoint> RejectionCurve::points() const {
    std::vector<Judged> images = images_;
    std::vector<float> strangers = strangers_;
    std::sort(images.begin(), images.end(),
              [](const Judged& a, const Judged& b) { return a.familiarity < b.familiarity; });
    std::sort(strangers.begin(), strangers.end());
    const size_t n = images.size();
    std::vector<size_t> rightBelow(n + 1, 0);  // right answers among the first i
    for (size_t i = 0; i < n; ++i) rightBelow[i + 1] = rightBelow[i] + (images[i].right ? 1 : 0);

    std::vector<RejectionPoint> points;
    size_t last = n;
    for (size_t percent = 0; percent <= kMostRefused && n > 0; ++percent) {
        RejectionPoint point;
        point.threshold = images[percent * n / 100].familiarity;
        const auto first = std::lower_bound(images.begin(), images.end(), point.threshold,
                                            [](const Judged& a, float value) { return a.familiarity < value; });
        const size_t below = size_t(first - images.begin());
        if (below == last) continue;
        last = below;
        point.refused = double(below) / double(n);
        point.accuracy = double(rightBelow[n] - rightBelow[below]) / double(n - below);
        const auto familiar = std::lower_bound(strangers.begin(), strangers.end(), point.threshold);
        if (!strangers.empty()) {
            point.strangersRefused = double(familiar - strangers.begin()) / double(strangers.size());
        }
        points.push_back(point);
    }
    return points;
}

}  // namespace hyperpred
}  // namespace cv
