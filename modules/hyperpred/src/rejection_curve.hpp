// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_REJECTION_CURVE_HPP
#define HYPERPRED_REJECTION_CURVE_HPP

#include <vector>

namespace cv {
namespace hyperpred {

// What a threshold on familiarity would do: how many images of known classes it refuses, how often the answers that
// remain are right, and how many strangers it refuses, where there are any.
struct RejectionPoint {
    float threshold = 0;          // images below are refused
    double refused = 0;           // share of the images of known classes
    double accuracy = 0;          // of those that are not refused
    double strangersRefused = 0;  // share of the strangers
};

class RejectionCurve {
public:
    void add(float familiarity, bool right);
    void addStranger(float familiarity);
    int strangers() const;
    // Thresholds that refuse 0, 1 .. 50 % of the images of known classes, each only once: at most 51 points. Empty for
    // no images.
    std::vector<RejectionPoint> points() const;

private:
    struct Judged {
        float familiarity = 0;
        bool right = false;
    };
    std::vector<Judged> images_;
    std::vector<float> strangers_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
