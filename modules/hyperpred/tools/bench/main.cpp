// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <iostream>
#include <string>

#ifndef HYPERPRED_WITHOUT_OPENCV
#include <opencv2/core.hpp>
#endif

#include "bench.hpp"

int main(int argc, char** argv) {
    const std::string name = argc > 1 ? argv[1] : "";
    try {
        if (name == "gpu") return cv::hyperpred::runGpuBench(argc - 2, argv + 2);
#ifdef HYPERPRED_WITHOUT_OPENCV
        std::cerr << "hyperpred_bench: \"" << name << "\" is no benchmark of this build; gpu is\n";
#else
        if (name == "speed") return cv::hyperpred::runSpeedBench(argc - 2, argv + 2);
        if (name == "accuracy") return cv::hyperpred::runAccuracyBench(argc - 2, argv + 2);
        if (name == "label_errors") return cv::hyperpred::runLabelErrorsBench(argc - 2, argv + 2);
        std::cerr << "hyperpred_bench: \"" << name << "\" is no benchmark; accuracy, label_errors, speed and gpu are\n";
    } catch (const cv::Exception& error) {
        std::cerr << "hyperpred_bench " << name << ": " << error.err << "\n";
#endif
    } catch (const std::exception& error) {
        std::cerr << "hyperpred_bench " << name << ": " << error.what() << "\n";
    }
    return 2;
}
