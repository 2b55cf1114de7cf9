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
    const std::string exact = ":exact";
    if (rest.size() >= exact.size() && rest.compare(rest.size() - exact.size(), exact.size(), exact) == 0) {
        choice.exact = true;
        rest.resize(rest.size() - exact.size());
    }
    if (rest.empty()) return choice;
    const std::string digits = rest.substr(1);
    if (rest[0] != ':' || digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
        fail(Failure::Unsupported, "backend \"" + name + "\" is not known; CUDA's are cuda, cuda:1 (the second " +
                                       "device), cuda:exact and cuda:1:exact");
    }
    choice.device = std::stoi(digits);
    return choice;
}

}  // namespace hyperpred
}  // namespace cv
