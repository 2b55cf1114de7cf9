// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_MAPS_HPP
#define HYPERPRED_CPU_MAPS_HPP

#include <cstdint>

#include "architecture.hpp"

// What a network does beside convolutions. Maps: images x height x width x channels.

namespace cv {
namespace hyperpred {
namespace cpu {

// BGR bytes -> normalised RGB floats.
void normalise(const Architecture& architecture, const uint8_t* bgr, int images, float* out);

// The greatest of each window; where signs[c] is -1 the least (signs may be null: all +1).
void maxPool(const float* in, const Shape& shape, int images, const Node& pool, const float* signs, float* out);
void avgPool(const float* in, const Shape& shape, int images, const Node& pool, float* out);
// Mean over space: image n goes to out + n * stride.
void spatialMean(const float* in, const Shape& shape, int images, float* out, size_t stride);
// Square root of the mean square over space, the same way.
void spatialRms(const float* in, const Shape& shape, int images, float* out, size_t stride);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
