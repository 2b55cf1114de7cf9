// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "examples.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {

namespace {

std::vector<size_t> spread(const std::vector<size_t>& from, size_t count) {
    const size_t n = std::min(count, from.size());
    std::vector<size_t> chosen;
    for (size_t k = 0; k < n; ++k) chosen.push_back(from[k * from.size() / n]);
    return chosen;
}

}  // namespace

std::vector<std::vector<size_t>> chooseExamples(const std::vector<int>& labels, int classes,
                                                const std::vector<size_t>& doubtful, size_t each) {
    std::vector<char> isDoubtful(labels.size(), 0);
    for (const size_t image : doubtful) isDoubtful[image] = 1;
    const auto count = size_t(classes);
    std::vector<std::vector<size_t>> sure(count), unsure(count);
    for (size_t i = 0; i < labels.size(); ++i) {
        (isDoubtful[i] ? unsure : sure)[size_t(labels[i])].push_back(i);
    }
    std::vector<std::vector<size_t>> examples;
    for (size_t c = 0; c < count; ++c) {
        examples.push_back(spread(sure[c], each));
        const std::vector<size_t> rest = spread(unsure[c], each - examples[c].size());
        examples[c].insert(examples[c].end(), rest.begin(), rest.end());
    }
    return examples;
}

}  // namespace hyperpred
}  // namespace cv
