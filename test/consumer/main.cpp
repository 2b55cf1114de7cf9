// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// Uses the installed library through its public header alone. usage: consumer MODEL
//   MODEL exists: creates a predictor and prints its description; any other: the error must name the path.
#include <fstream>
#include <iostream>
#include <opencv2/hyperpred.hpp>

using namespace cv::hyperpred;

namespace {

int describe(const cv::String& model) {
    const cv::Ptr<HyperPredictor> predictor = HyperPredictor::create(model, "auto", 1);
    if (predictor->size() != 0) return 1;
    std::cout << predictor->info() << "\n";
    return 0;
}

int expectError(const cv::String& model) {
    try {
        HyperPredictor::create(model);
    } catch (const cv::Exception& error) {
        std::cout << error.err << "\n";
        return error.err.find(model) != cv::String::npos ? 0 : 1;
    }
    std::cerr << "no error for a model that does not exist\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: consumer MODEL\n";
        return 2;
    }
    return std::ifstream(argv[1]) ? describe(argv[1]) : expectError(argv[1]);
}
