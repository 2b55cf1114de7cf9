// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_JUDGEMENT_HPP
#define HYPERPRED_JUDGEMENT_HPP

#include <string>

#include "confusion.hpp"
#include "rejection_curve.hpp"
#include "reliability.hpp"

namespace cv {
namespace hyperpred {

// Answers counted against labels, in all ways that a report shows: of the support set left out one by one, or of
// images that a finished network was tried on. Some ten bytes an image, and what was confused.
class Judgement {
public:
    explicit Judgement(int classes);

    // confidence: probability of the answer, 0..1; familiarity: the greatest of the classes.
    void add(int label, int answer, double confidence, float familiarity);
    // An image of none of the classes.
    void addStranger(float familiarity);

    int images() const;
    double accuracy() const;  // 0 for no images
    double calibrationError() const;
    const Confusion& confusion() const;
    // The JSON object of doc/file_formats.md, "Judgement": at most 10,000 pairs of confused classes (all pairs of 100
    // classes), 15 bins and 51 points, whatever the number of images.
    std::string json() const;

private:
    Confusion confusion_;
    Reliability reliability_;
    RejectionCurve rejection_;
    int images_ = 0, right_ = 0;
};

}  // namespace hyperpred
}  // namespace cv

#endif
