// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CHECKED_OPTIONS_HPP
#define HYPERPRED_CHECKED_OPTIONS_HPP

#include "head.hpp"
#include "hypernetwork.hpp"
#include "net_onnx.hpp"
#include "opencv2/hyperpred.hpp"

namespace cv {
namespace hyperpred {

// What PredictOptions ask for by name.
struct CheckedOptions {
    HeadKind head = HeadKind::Ridge;
    OnnxFormat format = OnnxFormat::Float;
    FeatureChoice choice;  // the stages that are asked for, or the default ones
};
// Everything about the options that can be told without images. Failure::BadArgument or OutOfRange with a sentence that
// names the option, its value and what it may be.
CheckedOptions checkOptions(const PredictOptions& options, const HyperNetwork& hyper);

}  // namespace hyperpred
}  // namespace cv

#endif
