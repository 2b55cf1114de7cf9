// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_NETWORK_PASS_HPP
#define HYPERPRED_CPU_NETWORK_PASS_HPP

#include <cstdint>
#include <vector>

#include "backend.hpp"
#include "cpu/buffer.hpp"
#include "cpu/moments.hpp"
#include "cpu/plan.hpp"
#include "cpu/workers.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

// A step's weights as the loops want them.
struct StepParameters {
    Buffer kernel;             // packed
    bool folded = false;       // a convolution adds `shift`, the other operand and the relu as it goes
    Buffer scale, shift;       // batch-norm as y = scale x + shift, padded to a panel; empty where there is none,
                               // and `scale` where the kernel contains it
    std::vector<float> signs;  // of the scale, where an uncalibrated batch-norm stands before a max_pool
};

// A few images on their way through the network. One worker at a time holds a chunk.
struct Chunk {
    // Raw: as the producer left it. Applied: so are batch-norm, addition and relu. Finished: the features are taken.
    enum class Stage { Raw, Applied, Finished };

    const uint8_t* pixels = nullptr;
    int images = 0;
    float* features = nullptr;  // images x columns
    std::vector<Buffer> held;   // activation of each step, empty before and after its time
    std::vector<int> readers;   // steps that are still to read each activation
    std::vector<Stage> stage;
};

// What a worker needs beside activations.
struct Scratch {
    Buffer convolution, raw, image;
};

// One pass of images through the steps. The caller decides the order: chunk by chunk through all steps (features), or
// step by step through all chunks (calibration), where a step is finished when the next step reads it.
class NetworkPass {
public:
    NetworkPass(const Architecture& architecture, const Plan& plan, const std::vector<StepParameters>& parameters,
                BufferPool& pool);

    // These stages' pooled activations become features (without a call: none). collectOnly leaves out the steps that
    // they do not need.
    void collect(const FeatureChoice& choice);
    void collectOnly(const FeatureChoice& choice);
    const std::vector<bool>& needed() const { return needed_; }

    Chunk begin(const uint8_t* pixels, int images, float* features) const;
    Scratch takeScratch() const;
    void giveBack(Scratch scratch) const;

    // Makes the step's activation and lets go of its source. `moments`, where given, get what its batch-norm sees.
    void run(int step, Chunk& chunk, Scratch& scratch, Moments* moments) const;
    // What no other step reads: the last stages.
    void finishRest(Chunk& chunk, Scratch& scratch) const;

private:
    size_t floats(const Shape& shape, const Chunk& chunk) const { return elements(shape) * size_t(chunk.images); }
    void countReaders();
    const float* input(int step, Chunk& chunk, Scratch& scratch) const;
    void finish(int step, Chunk& chunk, Scratch& scratch) const;
    void letGo(int step, Chunk& chunk) const;
    void convolve(int index, Chunk& chunk, Scratch& scratch, const float* in, Moments* moments, float* out) const;
    void convolveAndPool(int index, const Chunk& chunk, Scratch& scratch, const float* in, Moments* moments,
                         float* out) const;
    void takeFeatures(int step, const Chunk& chunk) const;

    const Architecture& architecture_;
    const Plan& plan_;
    const std::vector<StepParameters>& parameters_;
    BufferPool& pool_;
    std::vector<bool> needed_;
    std::vector<int> readers_;  // of each step, among the needed ones
    std::vector<int> column_;   // of each step: its first feature, or -1
    size_t columns_ = 0;
    Pooling pooling_ = Pooling::Mean;
};

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
