// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <vector>

#include "cpu/convolution.hpp"
#include "cpu/kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// A channel sees nothing of the others, so registers hold neighbouring channels of a pixel. What such a layer costs is
// loading its input, which the kernels do once for four results of a row.
class DepthwiseConvolution : public Convolution {
public:
    explicit DepthwiseConvolution(const ConvShape& shape)
        : Convolution(shape),
          channels_(size_t(shape.in.channels)),
          columns_((shape.out.width - 1) * shape.stride + shape.kernel) {}

    // Tap by tap, a row of channels each.
    Buffer pack(const float* kernel, const float* scale, const Workers&) const override {
        const size_t window = size_t(shape_.kernel) * size_t(shape_.kernel);
        Buffer packed(window * channels_);
        for (size_t k = 0; k < window; ++k) {
            for (size_t c = 0; c < channels_; ++c) {
                packed.data()[k * channels_ + c] = kernel[c * window + k] * (scale ? scale[c] : 1.f);
            }
        }
        return packed;
    }

    size_t scratchFloats(int) const override { return channels_; }  // a pixel of zeros

    void run(const Buffer& packed, const float* in, int images, const Epilogue& epilogue, float* out,
             float* scratch) const override {
        std::fill_n(scratch, channels_, 0.f);
        std::vector<const float*> pixels(size_t(shape_.kernel) * size_t(columns_));
        const size_t row = size_t(shape_.out.width) * channels_;
        DepthwiseTask task;
        task.pixels = pixels.data();
        task.columns = columns_;
        task.kernel = shape_.kernel;
        task.stride = shape_.stride;
        task.width = shape_.out.width;
        task.channels = shape_.in.channels;
        task.weights = packed.data();
        task.bias = epilogue.bias;
        task.other = epilogue.other;
        task.relu = epilogue.relu;
        task.out = out;
        const size_t image = size_t(shape_.in.height) * size_t(shape_.in.width) * channels_;
        for (int n = 0; n < images; ++n, in += image) {
            for (int y = 0; y < shape_.out.height; ++y, task.out += row) {
                gather(in, y * shape_.stride - shape_.pad, scratch, pixels.data());
                kernels().depthwiseRow(task);
                if (task.other) task.other += row;
            }
        }
    }

private:
    // The pixels under the windows of one row of results, whose first input row is `top`.
    void gather(const float* in, int top, const float* zeros, const float** pixel) const {
        for (int y = top; y < top + shape_.kernel; ++y) {
            const bool inside = unsigned(y) < unsigned(shape_.in.height);
            const float* line = inside ? in + size_t(y) * size_t(shape_.in.width) * channels_ : nullptr;
            for (int x = -shape_.pad; x < columns_ - shape_.pad; ++x, ++pixel) {
                const bool there = inside && unsigned(x) < unsigned(shape_.in.width);
                *pixel = there ? line + size_t(x) * channels_ : zeros;
            }
        }
    }

    const size_t channels_;
    const int columns_;  // of the input under a row of results, with padding
};

}  // namespace

std::unique_ptr<Convolution> createDepthwiseConvolution(const ConvShape& shape) {
    return std::make_unique<DepthwiseConvolution>(shape);
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
