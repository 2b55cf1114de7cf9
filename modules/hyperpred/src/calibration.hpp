// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CALIBRATION_HPP
#define HYPERPRED_CALIBRATION_HPP

#include <cstdint>
#include <vector>

#include "architecture.hpp"

namespace cv {
namespace hyperpred {

// A breadth-first pass holds the activations of all its images at once. Beyond this many bytes only some of the
// sample sets the statistics; the rest gets its features from an ordinary pass.
const int64_t kCalibrationBytes = int64_t(256) << 20;
const int kLeastCalibrationImages = 64;

// Bytes of float activations that one image keeps alive at the fullest moment of a pass in the order of the nodes:
// batch_norm, relu and add work in place, and a dying input makes room as the output appears.
int64_t liveActivationBytes(const Architecture& architecture);

// Which images of a sample of `count` set the batch-norm statistics: ascending positions, all of them where their
// activations fit into kCalibrationBytes, else as many as fit, evenly strided, but never fewer than 64. Depends on the
// architecture and `count` alone, so that every backend calibrates on the same images.
std::vector<int> calibrationImages(const Architecture& architecture, int count);

}  // namespace hyperpred
}  // namespace cv

#endif
