// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_HYPERNETWORK_PASS_HPP
#define HYPERPRED_CPU_HYPERNETWORK_PASS_HPP

#include <vector>

#include "backend.hpp"
#include "cpu/workers.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

std::vector<float> encode(const SketchParameters& parameters, const ImageBatch& images, const Workers& workers);
std::vector<float> unroll(const RecurrentParameters& parameters, const std::vector<float>& sketch);
NetworkWeights generate(const HyperNetwork& hyper, const std::vector<float>& codes, const Workers& workers);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
