// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ONNX_EXPANSION_HPP
#define HYPERPRED_ONNX_EXPANSION_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// A file of emitOnnx with half or int8 weights as one of float weights, which OpenCV 4.6 reads too (that version knows
// no half weights and computes int8 maps wrongly). Activations of an int8 file are still rounded and cut off as int8
// does, by float operators. Throws Failure::BadFile naming `origin` and the tensor or node where something is not as
// emitOnnx writes it. The checksum is not made anew: check it before.
std::vector<uint8_t> expandOnnx(const std::vector<uint8_t>& bytes, const std::string& origin);

}  // namespace hyperpred
}  // namespace cv

#endif
