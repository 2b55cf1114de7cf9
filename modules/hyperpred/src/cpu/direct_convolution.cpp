// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu/convolution.hpp"
#include "cpu/kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// Below this many input channels one row of the window is a better run of numbers than one tap of it; the image is then
// copied into a frame of zeros, so that every row of a window is whole.
const int kFewChannels = 16;
// Output maps of at most this many pixels are walked pixel by pixel, each for all images: taps that lie in the padding
// are then skipped, and they are more than half of a 3 x 3 window on a 2 x 2 map.
const int kSmallMap = 16;
// Packed weights up to this size stay in the second-level cache while the whole chunk passes.
const size_t kCachedFloats = (size_t(512) << 10) / sizeof(float);

int64_t ceilDivide(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

class DirectConvolution : public Convolution {
public:
    explicit DirectConvolution(const ConvShape& shape)
        : Convolution(shape),
          framed_(shape.in.channels < kFewChannels && shape.pad > 0),
          byRows_(shape.in.channels < kFewChannels || shape.kernel == 1),
          byPixels_(!byRows_ && shape.out.height * shape.out.width <= kSmallMap),
          height_(shape.in.height + (framed_ ? 2 * shape.pad : 0)),
          width_(shape.in.width + (framed_ ? 2 * shape.pad : 0)),
          pad_(framed_ ? 0 : shape.pad),
          depth_(size_t(shape.kernel) * size_t(shape.kernel) * size_t(shape.in.channels)),
          panels_(int(ceilDivide(shape.out.channels, kernels().panel))) {}

    Buffer pack(const float* kernel, const float* scale, const Workers& workers) const override {
        const size_t panel = size_t(kernels().panel), window = size_t(shape_.kernel) * size_t(shape_.kernel);
        const size_t in = size_t(shape_.in.channels), out = size_t(shape_.out.channels);
        Buffer packed(depth_ * panel * size_t(panels_));
        workers.forEach(panels_, [&](int p, int) {
            float* to = packed.data() + size_t(p) * depth_ * panel;
            for (size_t lane = 0; lane < panel; ++lane) {
                const size_t o = size_t(p) * panel + lane;
                const float* from = kernel + o * depth_;
                const float gain = o < out ? (scale ? scale[o] : 1.f) : 0.f;
                for (size_t i = 0; i < in; ++i) {
                    for (size_t k = 0; k < window; ++k) {
                        to[(k * in + i) * panel + lane] = o < out ? from[i * window + k] * gain : 0.f;
                    }
                }
            }
        });
        return packed;
    }

    size_t scratchFloats(int images) const override {
        const size_t frame = framed_ ? size_t(images) * imageFloats() : 0;
        return frame + size_t(shape_.in.channels);  // and a pixel of zeros
    }

    void run(const Buffer& packed, const float* in, int images, const Epilogue& epilogue, float* out,
             float* scratch) const override {
        Pass pass{packed.data(), in, scratch, epilogue, out, images};
        std::fill_n(scratch, size_t(shape_.in.channels), 0.f);
        if (framed_) {
            pass.in = scratch + shape_.in.channels;
            frame(in, images, scratch + shape_.in.channels);
        }
        if (depth_ * size_t(shape_.out.channels) <= kCachedFloats) {
            runPanels(pass, 0, panels_);
        } else {
            for (int p = 0; p < panels_; ++p) runPanels(pass, p, p + 1);
        }
    }

private:
    struct Pass {
        const float* weights;
        const float* in;
        const float* zeros;
        Epilogue epilogue;
        float* out;
        int images;
    };
    // Some output pixels, of one image or of several, and the runs of input numbers under their windows.
    struct Block {
        int rows = 0;
        int y[kMostRows], x[kMostRows];
        size_t image[kMostRows];
        std::vector<const float*> runs;
        std::vector<int> taps;  // of each run, in packed order
    };

    size_t imageFloats() const { return size_t(height_) * size_t(width_) * size_t(shape_.in.channels); }

    void frame(const float* in, int images, float* framed) const {
        const size_t row = size_t(shape_.in.width) * size_t(shape_.in.channels);
        const size_t side = size_t(shape_.pad) * size_t(shape_.in.channels);
        std::fill_n(framed, size_t(images) * imageFloats(), 0.f);
        for (int n = 0; n < images; ++n) {
            float* to = framed + size_t(n) * imageFloats() + size_t(shape_.pad) * (row + 2 * side) + side;
            for (int y = 0; y < shape_.in.height; ++y, in += row, to += row + 2 * side) {
                std::memcpy(to, in, row * sizeof(float));
            }
        }
    }

    void runPanels(const Pass& pass, int firstPanel, int endPanel) const {
        const int map = shape_.out.height * shape_.out.width;
        const int pixels = byPixels_ ? pass.images : pass.images * map;
        const int blocks = int(ceilDivide(pixels, kernels().rows));
        Block block;
        for (int position = 0; position < (byPixels_ ? map : 1); ++position) {
            for (int b = 0; b < blocks; ++b) {
                const int first = int(int64_t(b) * pixels / blocks), end = int(int64_t(b + 1) * pixels / blocks);
                block.rows = end - first;
                for (int m = 0; m < block.rows; ++m) {
                    const int pixel = byPixels_ ? position : (first + m) % map;
                    block.image[m] = size_t(byPixels_ ? first + m : (first + m) / map);
                    block.y[m] = pixel / shape_.out.width;
                    block.x[m] = pixel % shape_.out.width;
                }
                gatherRuns(pass, block);
                for (int p = firstPanel; p < endPanel; ++p) multiply(pass, block, p);
            }
        }
    }

    void gatherRuns(const Pass& pass, Block& block) const {
        block.runs.clear();
        block.taps.clear();
        const int across = byRows_ ? 1 : shape_.kernel;
        const size_t channels = size_t(shape_.in.channels);
        for (int ky = 0; ky < shape_.kernel; ++ky) {
            for (int kx = 0; kx < across; ++kx) {
                if (byPixels_ && !inside(block.y[0], block.x[0], ky, kx)) continue;
                block.taps.push_back(ky * across + kx);
                for (int m = 0; m < block.rows; ++m) {
                    const int y = block.y[m] * shape_.stride - pad_ + ky, x = block.x[m] * shape_.stride - pad_ + kx;
                    const bool there = unsigned(y) < unsigned(height_) && unsigned(x) < unsigned(width_);
                    const size_t pixel = (block.image[m] * size_t(height_) + size_t(y)) * size_t(width_) + size_t(x);
                    block.runs.push_back(there ? pass.in + pixel * channels : pass.zeros);
                }
            }
        }
    }

    bool inside(int outY, int outX, int ky, int kx) const {
        const int y = outY * shape_.stride - pad_ + ky, x = outX * shape_.stride - pad_ + kx;
        return y >= 0 && y < height_ && x >= 0 && x < width_;
    }

    void multiply(const Pass& pass, const Block& block, int p) const {
        const size_t panel = size_t(kernels().panel), channels = size_t(shape_.out.channels), first = size_t(p) * panel;
        float* out[kMostRows];
        const float* other[kMostRows];
        for (int m = 0; m < block.rows; ++m) {
            const size_t pixel = (block.image[m] * size_t(shape_.out.height) + size_t(block.y[m])) *
                                     size_t(shape_.out.width) + size_t(block.x[m]);
            out[m] = pass.out + pixel * channels + first;
            if (pass.epilogue.other) other[m] = pass.epilogue.other + pixel * channels + first;
        }
        PanelTask task;
        task.runs = block.runs.data();
        task.rows = block.rows;
        task.runCount = int(block.taps.size());
        task.taps = block.taps.data();
        task.runLength = byRows_ ? shape_.kernel * shape_.in.channels : shape_.in.channels;
        task.weights = pass.weights + first * depth_;
        task.out = out;
        task.columns = int(std::min(panel, channels - first));
        task.bias = pass.epilogue.bias ? pass.epilogue.bias + first : nullptr;
        task.other = pass.epilogue.other ? other : nullptr;
        task.relu = pass.epilogue.relu;
        kernels().multiplyPanel(task);
    }

    const bool framed_, byRows_, byPixels_;
    const int height_, width_, pad_;  // of the input as run() reads it
    const size_t depth_;              // numbers under a window
    const int panels_;
};

}  // namespace

std::unique_ptr<Convolution> createDirectConvolution(const ConvShape& shape) {
    return std::make_unique<DirectConvolution>(shape);
}

std::unique_ptr<Convolution> createConvolution(const ConvShape& shape) {
    if (winogradFits(shape)) return createWinogradConvolution(shape);
    return createDirectConvolution(shape);
}

Buffer paddedToPanel(const float* values, int count) {
    const int panel = kernels().panel;
    Buffer padded(size_t(ceilDivide(count, panel) * panel));
    std::fill_n(padded.data(), padded.size(), 0.f);
    if (values) std::copy(values, values + count, padded.data());
    return padded;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
