// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/cuda_backend.hpp"
#include "error.hpp"

namespace cv {
namespace hyperpred {

bool isCudaName(const std::string& name) {
    return name == "cuda" || name.compare(0, 5, "cuda:") == 0;
}

CudaChoice parseCudaName(const std::string& name) {
    CudaChoice choice;
    std::string rest = name.substr(4);
    const auto take = [&rest](const std::string& ending) {
        if (rest.size() < ending.size()) return false;
        if (rest.compare(rest.size() - ending.size(), ending.size(), ending) != 0) return false;
        rest.resize(rest.size() - ending.size());
        return true;
    };
    choice.exact = take(":exact");
    choice.fused = !choice.exact && take(":fused");
    if (rest.empty()) return choice;
    const std::string digits = rest.substr(1);
    if (rest[0] != ':' || digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
        fail(Failure::Unsupported, "backend \"" + name + "\" is not known; CUDA's are cuda, cuda:1 (the second " +
                                       "device), and both with :exact or :fused behind them");
    }
    choice.device = std::stoi(digits);
    return choice;
}

}  // namespace hyperpred
}  // namespace cv
