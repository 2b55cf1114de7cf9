// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CONFUSION_HPP
#define HYPERPRED_CONFUSION_HPP

#include <map>
#include <utility>
#include <vector>

namespace cv {
namespace hyperpred {

// Images of class `label` that were answered as class `answer`.
struct ConfusedPair {
    int label = 0, answer = 0, images = 0;
};

// Counts answers against labels. Only what was confused is stored: the whole matrix of 10,000 classes would have 10^8
// cells, nearly all of them empty.
class Confusion {
public:
    explicit Confusion(int classes);

    void add(int label, int answer);
    const std::vector<int>& images() const;  // C, by label
    const std::vector<int>& right() const;   // C
    int at(int label, int answer) const;
    // Wrong answers, the most frequent pair first, of equal ones by label and answer.
    std::vector<ConfusedPair> mistakes() const;

private:
    std::vector<int> images_, right_;
    std::map<std::pair<int, int>, int> wrong_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
