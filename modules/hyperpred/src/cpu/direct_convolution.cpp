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
            const size_t first = size_t(p) * panel, lanes = std::min(panel, out - first);
            float* to = packed.data() + first * depth_;
            std::fill_n(to, depth_ * panel, 0.f);
            for (size_t i = 0; i < in; ++i) {
                for (size_t k = 0; k < window; ++k) {
                    float* row = to + (k * in + i) * panel;
                    const float* from = kernel + first * depth_ + i * window + k;
                    for (size_t lane = 0; lane < lanes; ++lane) {
                        row[lane] = from[lane * depth_] * (scale ? scale[first + lane] : 1.f);
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
        int top[kMostRows], left[kMostRows];  // of the window, in the input
        int64_t corner[kMostRows];            // where that pixel would be; it may lie in the padding
        float* out[kMostRows];
        const float* other[kMostRows];
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

    // One output pixel of one image.
    struct Place {
        int image, y, x;
    };

    void runPanels(const Pass& pass, int firstPanel, int endPanel) const {
        const int map = shape_.out.height * shape_.out.width;
        const int pixels = byPixels_ ? pass.images : pass.images * map;
        const int blocks = int(ceilDivide(pixels, kernels().rows));
        Block block;
        for (int position = 0; position < (byPixels_ ? map : 1); ++position) {
            Place at = {0, position / shape_.out.width, position % shape_.out.width};
            for (int b = 0; b < blocks; ++b) {
                block.rows = int(int64_t(b + 1) * pixels / blocks) - int(int64_t(b) * pixels / blocks);
                for (int m = 0; m < block.rows; ++m) {
                    place(pass, at, block, m);
                    advance(at);
                }
                gatherRuns(pass, block);
                for (int p = firstPanel; p < endPanel; ++p) multiply(pass, block, p);
            }
        }
    }

    void advance(Place& at) const {
        if (!byPixels_) {
            if (++at.x < shape_.out.width) return;
            at.x = 0;
            if (++at.y < shape_.out.height) return;
            at.y = 0;
        }
        ++at.image;
    }

    void place(const Pass& pass, const Place& at, Block& block, int m) const {
        block.top[m] = at.y * shape_.stride - pad_;
        block.left[m] = at.x * shape_.stride - pad_;
        block.corner[m] = int64_t(at.image) * int64_t(imageFloats()) +
                          (int64_t(block.top[m]) * width_ + block.left[m]) * shape_.in.channels;
        const size_t pixel =
            (size_t(at.image) * size_t(shape_.out.height) + size_t(at.y)) * size_t(shape_.out.width) + size_t(at.x);
        block.out[m] = pass.out + pixel * size_t(shape_.out.channels);
        block.other[m] = pass.epilogue.other ? pass.epilogue.other + pixel * size_t(shape_.out.channels) : nullptr;
    }

    void gatherRuns(const Pass& pass, Block& block) const {
        const int across = byRows_ ? 1 : shape_.kernel;
        block.taps.clear();
        block.runs.resize(size_t(shape_.kernel * across * block.rows));
        const float** run = block.runs.data();
        for (int ky = 0; ky < shape_.kernel; ++ky) {
            for (int kx = 0; kx < across; ++kx) {
                if (byPixels_ && !inside(block, 0, ky, kx)) continue;
                block.taps.push_back(ky * across + kx);
                const int64_t offset = (int64_t(ky) * width_ + kx) * shape_.in.channels;
                for (int m = 0; m < block.rows; ++m, ++run) {
                    const bool there = pad_ == 0 || inside(block, m, ky, kx);
                    *run = there ? pass.in + (block.corner[m] + offset) : pass.zeros;
                }
            }
        }
    }

    bool inside(const Block& block, int m, int ky, int kx) const {
        return unsigned(block.top[m] + ky) < unsigned(height_) && unsigned(block.left[m] + kx) < unsigned(width_);
    }

    void multiply(const Pass& pass, const Block& block, int p) const {
        const size_t panel = size_t(kernels().panel);
        PanelTask task;
        task.runs = block.runs.data();
        task.rows = block.rows;
        task.runCount = int(block.taps.size());
        task.taps = block.taps.data();
        task.runLength = byRows_ ? shape_.kernel * shape_.in.channels : shape_.in.channels;
        task.first = size_t(p) * panel;
        task.weights = pass.weights + task.first * depth_;
        task.columns = int(std::min(panel, size_t(shape_.out.channels) - task.first));
        task.out = block.out;
        task.bias = pass.epilogue.bias;
        task.other = pass.epilogue.other ? block.other : nullptr;
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
    if (shape.depthwise) return createDepthwiseConvolution(shape);
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
