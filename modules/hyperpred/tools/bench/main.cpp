// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <iostream>
#include <opencv2/core.hpp>
#include <string>

#include "bench.hpp"

int main(int argc, char** argv) {
    const std::string name = argc > 1 ? argv[1] : "";
    try {
        if (name == "speed") return cv::hyperpred::runSpeedBench(argc - 2, argv + 2);
        std::cerr << "hyperpred_bench: \"" << name << "\" is no benchmark; speed is\n";
    } catch (const cv::Exception& error) {
        std::cerr << "hyperpred_bench " << name << ": " << error.err << "\n";
    } catch (const std::exception& error) {
        std::cerr << "hyperpred_bench " << name << ": " << error.what() << "\n";
    }
    return 2;
}
