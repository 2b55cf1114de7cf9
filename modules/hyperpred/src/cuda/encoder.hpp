// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_ENCODER_HPP
#define HYPERPRED_CUDA_ENCODER_HPP

#include <vector>

#include "backend.hpp"
#include "cuda/memory.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Images -> per-image numbers of the sketch, N x E. The `conv` encoder always works in float: its 3 million
// multiplications an image are nothing, and its numbers steer everything that follows.
class Encoder {
public:
    Encoder(const SketchParameters& parameters, MemoryPool& pool);

    void run(const ImageBatch& images, float* out) const;

private:
    struct Layer {
        MapShape from, to;
        Memory kernel, bias;
    };
    void convolve(const Memory& planes, int count, float* out) const;

    const SketchParameters& parameters_;
    MemoryPool& pool_;
    std::vector<Layer> layers_;  // conv encoder
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
