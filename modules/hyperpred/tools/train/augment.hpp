// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_AUGMENT_HPP
#define HYPERPRED_TRAIN_AUGMENT_HPP

#include <torch/torch.h>

#include "settings.hpp"

namespace cv {
namespace hyperpred {

// Images here are N x 3 x S x S floats, RGB, 0..255, on any device. All chance comes from a CPU generator, so that a
// run is the same on every device up to rounding.
using Chance = torch::Generator;

double uniform(Chance& chance);                // 0..1
int64_t below(Chance& chance, int64_t bound);  // 0..bound - 1

// One transform of a whole data set: what the sketch is there to notice.
enum class Shift { Identity, Grey, Inverted, Permuted, Blurred, LowContrast, Rotated, Edges, Noise };
const int kShifts = 9;
const char* shiftName(Shift shift);
struct DataSetTransform {
    Shift shift = Shift::Identity;
    int64_t permutation = 1;  // Permuted: 1..5, which order of the channels
    int64_t turns = 1;        // Rotated: 1..3 quarter turns
};
DataSetTransform drawTransform(Chance& chance, double identity);
torch::Tensor applyTransform(const DataSetTransform& transform, const torch::Tensor& images, Chance& chance);

// Random resized crop to edge x edge, mirror, colour, erasing, each image on its own (settings base.*).
torch::Tensor augmentImages(const torch::Tensor& images, int64_t edge, const Settings& settings, Chance& chance);

// Mixup or cutmix of a batch with a permutation of itself; `partner` and `share` (of the own label) describe it.
struct Mixed {
    torch::Tensor images, partner;
    double share = 1;
};
Mixed mixImages(const torch::Tensor& images, const Settings& settings, Chance& chance);

}  // namespace hyperpred
}  // namespace cv

#endif
