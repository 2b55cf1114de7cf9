// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_RELIABILITY_HPP
#define HYPERPRED_RELIABILITY_HPP

#include <vector>

namespace cv {
namespace hyperpred {

// Whether answers are right as often as their probability says: counted in 15 equal bins of the greatest probability
// (Guo et al. 2017).
class Reliability {
public:
    struct Bin {
        int images = 0, right = 0;
        double confidence = 0;  // sum over the images
    };

    Reliability();

    // confidence: probability of the answer, 0..1.
    void add(double confidence, bool right);
    const std::vector<Bin>& bins() const;
    // Expected calibration error: difference of accuracy and confidence of a bin, averaged over images; 0 for none.
    double calibrationError() const;

private:
    std::vector<Bin> bins_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
