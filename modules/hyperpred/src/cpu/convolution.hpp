// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CPU_CONVOLUTION_HPP
#define HYPERPRED_CPU_CONVOLUTION_HPP

#include <cstddef>
#include <memory>

#include "architecture.hpp"
#include "cpu/buffer.hpp"
#include "cpu/workers.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

struct ConvShape {
    Shape in, out;
    int kernel, stride, pad;
    bool depthwise = false;  // a kernel a channel, C x 1 x k x k
};

// What happens to each sum before it is stored: + bias (padded to whole panels), + other, max(y, 0).
struct Epilogue {
    const float* bias = nullptr;
    const float* other = nullptr;
    bool relu = false;
};

// One convolution layer of a network. Activations: images x height x width x channels. An element of the result
// depends on its own image alone, bit for bit.
class Convolution {
public:
    explicit Convolution(const ConvShape& shape) : shape_(shape) {}
    virtual ~Convolution() = default;

    // O x I x k x k kernel (C x 1 x k x k where it is depthwise), each output channel times `scale` where that is not
    // null, as run() wants it.
    virtual Buffer pack(const float* kernel, const float* scale, const Workers& workers) const = 0;
    virtual size_t scratchFloats(int images) const = 0;
    virtual void run(const Buffer& packed, const float* in, int images, const Epilogue& epilogue, float* out,
                     float* scratch) const = 0;

protected:
    const ConvShape shape_;
};

// The faster of the algorithms that can do it.
std::unique_ptr<Convolution> createConvolution(const ConvShape& shape);
std::unique_ptr<Convolution> createDirectConvolution(const ConvShape& shape);
std::unique_ptr<Convolution> createDepthwiseConvolution(const ConvShape& shape);
bool winogradFits(const ConvShape& shape);
std::unique_ptr<Convolution> createWinogradConvolution(const ConvShape& shape);

// `values` (may be null: none) with zeros up to a whole panel.
Buffer paddedToPanel(const float* values, int count);

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv

#endif
