// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "confusion.hpp"

#include <algorithm>
#include <cstddef>

namespace cv {
namespace hyperpred {

Confusion::Confusion(int classes) : images_(size_t(classes), 0), right_(size_t(classes), 0) {}

void Confusion::add(int label, int answer) {
    ++images_[size_t(label)];
    if (label == answer) {
        ++right_[size_t(label)];
    } else {
        ++wrong_[{label, answer}];
    }
}

const std::vector<int>& Confusion::images() const {
    return images_;
}

const std::vector<int>& Confusion::right() const {
    return right_;
}

int Confusion::at(int label, int answer) const {
    if (label == answer) return right_[size_t(label)];
    const auto found = wrong_.find({label, answer});
    return found == wrong_.end() ? 0 : found->second;
}

std::vector<ConfusedPair> Confusion::mistakes() const {
    std::vector<ConfusedPair> pairs;
    for (const auto& cell : wrong_) {
        ConfusedPair pair;
        pair.label = cell.first.first;
        pair.answer = cell.first.second;
        pair.images = cell.second;
        pairs.push_back(pair);
    }
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const ConfusedPair& a, const ConfusedPair& b) { return a.images > b.images; });
    return pairs;
}

}  // namespace hyperpred
}  // namespace cv
