// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_EVALUATION_HPP
#define HYPERPRED_TOOL_EVALUATION_HPP

#include <string>
#include <vector>

#include "classifier.hpp"

namespace cv {
namespace hyperpred {

// Counts answers against labels: top-1, top-5, per-class accuracy, confusion, expected calibration error over 15
// equal bins of the greatest probability (Guo et al. 2017), refused share. A label of -1 is an image of a class that
// the network does not know; it only counts for the refusals of foreign images.
class Evaluation {
public:
    explicit Evaluation(std::vector<std::string> classNames);

    void add(int label, const Answer& answer);
    int images() const;
    double top1() const;
    // {images, top1, top5, calibration_error, refused, foreign_images, foreign_refused, per_class, confusion};
    // confusion[i][j]: images of class i answered as class j.
    std::string json() const;

private:
    struct Bin {
        int images = 0, right = 0;
        double confidence = 0;
    };
    double calibrationError() const;

    std::vector<std::string> names_;
    std::vector<std::vector<int>> confusion_;
    std::vector<Bin> bins_;
    int images_ = 0, right_ = 0, rightInFive_ = 0, refused_ = 0, foreign_ = 0, foreignRefused_ = 0;
};

}  // namespace hyperpred
}  // namespace cv

#endif
