// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "feature_choice.hpp"

#include "error.hpp"

namespace cv {
namespace hyperpred {

const char* poolingName(Pooling pooling) {
    return pooling == Pooling::Rms ? "rms" : "mean";
}

Pooling parsePooling(const std::string& name) {
    for (const Pooling pooling : {Pooling::Mean, Pooling::Rms}) {
        if (name == poolingName(pooling)) return pooling;
    }
    fail(Failure::BadArgument, "pooling \"" + name + "\" is not known; mean and rms are");
}

}  // namespace hyperpred
}  // namespace cv
