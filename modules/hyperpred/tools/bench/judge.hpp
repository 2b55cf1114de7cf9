// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_JUDGE_HPP
#define HYPERPRED_BENCH_JUDGE_HPP

#include <memory>
#include <string>
#include <vector>

#include "backend.hpp"
#include "head.hpp"
#include "labelled_images.hpp"

namespace cv {
namespace hyperpred {

// What one prediction was worth.
struct Verdict {
    double accuracy = 0;  // top-1 on the test images
    double expected = 0;  // leave-one-out, on the support images
    double seconds = 0;   // from support images in memory to a fitted head; test images do not count
};

// A model file with a backend: the predictor's stages, one by one, so that a stage can be given what it would not get
// in use (another sketch, other batch-norm statistics). The order and the choice of images are the predictor's.
class Judge {
public:
    explicit Judge(const std::string& modelFile, int threads = 0);

    const Architecture& architecture() const { return hyper_->architecture; }
    std::string device() const { return backend_->device(); }
    bool pure() const { return hyper_->generators.pure; }
    bool trained() const { return hyper_->trained; }

    // The last three stages by root mean square, which the predictor takes by default; or the last by its mean.
    FeatureChoice defaultFeatures() const;
    FeatureChoice lastStage() const;

    // Codes that the hypernetwork gives for these images; empty codes are the base weights.
    std::vector<float> codesFor(const LabelledImages& images);
    // A network of these codes whose batch-norm statistics are those of `images`.
    NetworkWeights calibratedOn(const std::vector<float>& codes, const LabelledImages& images);

    // Weights of the right sketch, or of `codes` where given, or a network that is not calibrated on the support images
    // where given; then features, head and the answers to the test images.
    struct Question {
        const LabelledImages* support = nullptr;
        const LabelledImages* test = nullptr;
        FeatureChoice features;
        HeadKind head = HeadKind::Ridge;
        const std::vector<float>* codes = nullptr;
        const NetworkWeights* network = nullptr;
    };
    Verdict judge(const Question& question);

private:
    struct Ordered;
    static Ordered ordered(const LabelledImages& images);
    std::vector<float> codesOf(const Ordered& images);

    std::shared_ptr<const HyperNetwork> hyper_;
    std::unique_ptr<Backend> backend_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
