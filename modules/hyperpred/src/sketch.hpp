// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SKETCH_HPP
#define HYPERPRED_SKETCH_HPP

#include <cstdint>
#include <vector>

#include "model_file.hpp"

namespace cv {
namespace hyperpred {

struct HyperConfig;

const int kSketchSize = 32;        // both encoders look at images of this edge
const int kStatsFeatures = 24;     // per-image numbers of the `stats` encoder
const int kConvFeatures = 128;     // per-image numbers of the `conv` encoder
const int kConvChannels[4] = {32, 64, 128, kConvFeatures};

// Weights of the encoder that turns a labelled data set into a vector (the paper's section 3.2, "data set sketch";
// ours pools with labels). All tensors as in doc/model.md.
struct SketchParameters {
    bool conv = false;
    int width = 0;                                  // d
    std::vector<Tensor> convWeight, convBias;       // conv encoder: four 3 x 3 stride 2 blocks
    Tensor normWeight, normBias;                    // LayerNorm of the pooled vector (4 E)
    Tensor hiddenWeight, hiddenBias;                // d x 4 E
    Tensor outWeight, outBias;                      // d x d
};
SketchParameters readSketch(const ModelFile& file, const HyperConfig& config);
int imageFeatureCount(const SketchParameters& parameters);  // E

// Per-image features -> pooled vector of length 4 E: mean, deviation, mean within-class deviation, deviation of the
// class means, all with population (1 / n) variance in double. `features`: N x E. `labels`: N class numbers, of which
// some may be missing; the means over classes are then over those that are there.
std::vector<float> poolByLabel(const std::vector<float>& features, const std::vector<int>& labels, int featureCount);

// Pooled vector (4 E) -> sketch (d): LayerNorm, linear, GELU (erf form), linear.
std::vector<float> sketchFromPooled(const SketchParameters& parameters, const std::vector<float>& pooled);

// The `stats` features of one image. `planes`: 3 x 32 x 32, RGB, values 0..1. `out`: kStatsFeatures numbers.
void imageStatistics(const float* planes, float* out);

// BGR bytes, size x size x 3 -> planes 3 x 32 x 32 in 0..1, by averaging size / 32 square blocks (size is a multiple
// of 32; other sizes by area resampling with fractional weights).
void sketchPlanes(const uint8_t* bgr, int size, float* planes);

}  // namespace hyperpred
}  // namespace cv

#endif
