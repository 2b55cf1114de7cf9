// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FEATURE_CHOICE_HPP
#define HYPERPRED_FEATURE_CHOICE_HPP

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace cv {
namespace hyperpred {

// How a stage's map becomes one number a channel: its mean (the paper), or the square root of the mean square, which
// keeps more of a thing that fills a small part of the image (doc/experiments.md).
enum class Pooling { Mean, Rms };
const char* poolingName(Pooling pooling);  // "mean", "rms"
// Throws Failure::BadArgument for another name.
Pooling parsePooling(const std::string& name);

// What is read off a network: the outputs of these stages (1-based, ascending), pooled and side by side.
struct FeatureChoice {
    FeatureChoice() = default;
    FeatureChoice(std::vector<int> chosen, Pooling kind = Pooling::Mean) : stages(std::move(chosen)), pooling(kind) {}
    FeatureChoice(std::initializer_list<int> chosen) : stages(chosen) {}

    std::vector<int> stages;
    Pooling pooling = Pooling::Mean;
};

}  // namespace hyperpred
}  // namespace cv

#endif
