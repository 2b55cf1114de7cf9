// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_SELF_TEST_HPP
#define HYPERPRED_TOOL_SELF_TEST_HPP

#include <map>
#include <string>

namespace cv {
namespace hyperpred {

// A prediction small enough for every machine: three classes of drawn figures.
struct SelfTest {
    std::string device;
    int asked = 0, right = 0;  // new figures that the predicted network was asked for, in cv::dnn
    // Each backend that works here, with how far its features of the same images are from the reference's (greatest
    // difference, relative to the greatest feature).
    std::map<std::string, double> apart;
    double seconds = 0;

    // Weights and features agree and hardly a figure is mistaken; else `why` says what is wrong.
    bool passed(std::string& why) const;
};

// Throws what the predictor throws, e.g. where the model is damaged.
SelfTest runSelfTest(const std::string& model);

}  // namespace hyperpred
}  // namespace cv

#endif
