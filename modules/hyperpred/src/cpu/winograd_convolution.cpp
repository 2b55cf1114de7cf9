// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <vector>

#include "cpu/convolution.hpp"
#include "cpu/kernels.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// F(4 x 4, 3 x 3): 36 products for 16 results, where the direct way takes 144.
// On smaller maps the direct way skips more than this one saves.
const int kLeastEdge = 4;
const size_t kTaps = 9;
// Tiles in work at once: both transformed sides of them take half of a second-level cache of one megabyte.
const size_t kWorkFloats = (size_t(512) << 10) / sizeof(float);
const int kLeastTiles = 28;
// Between positions: keeps 36 streams from meeting in the same cache sets.
const size_t kSkew = 16;

class WinogradConvolution : public Convolution {
public:
    explicit WinogradConvolution(const ConvShape& shape)
        : Convolution(shape),
          in_(size_t(shape.in.channels)),
          out_(size_t(shape.out.channels)),
          tilesDown_((shape.out.height + kWinogradOutput - 1) / kWinogradOutput),
          tilesAcross_((shape.out.width + kWinogradOutput - 1) / kWinogradOutput) {
        const size_t fitting = kWorkFloats / (kWinogradPositions * (in_ + out_));
        tiles_ = std::max(kLeastTiles, int(fitting));
    }

    // Position by position, panel by panel: in x panel.
    Buffer pack(const float* kernel, const float* scale, const Workers& workers) const override {
        const size_t panel = size_t(kernels().panel);
        Buffer packed(kWinogradPositions * in_ * out_);
        workers.forEach(int(out_ / panel), [&](int p, int) {
            const size_t first = size_t(p) * panel;
            std::vector<float> taps(kTaps * panel);
            for (size_t i = 0; i < in_; ++i) {
                for (size_t lane = 0; lane < panel; ++lane) {
                    const float* from = kernel + ((first + lane) * in_ + i) * kTaps;
                    const float gain = scale ? scale[first + lane] : 1.f;
                    for (size_t k = 0; k < kTaps; ++k) taps[k * panel + lane] = from[k] * gain;
                }
                kernels().winogradKernel(taps.data(), packed.data() + (first * in_ + i * panel), in_ * out_);
            }
        });
        return packed;
    }

    size_t scratchFloats(int images) const override {
        const size_t tiles = size_t(std::min(tiles_, images * tilesDown_ * tilesAcross_));
        return in_ + kWinogradPositions * (tiles * (in_ + out_) + 2 * kSkew);
    }

    void run(const Buffer& packed, const float* in, int images, const Epilogue& epilogue, float* out,
             float* scratch) const override {
        const int all = images * tilesDown_ * tilesAcross_;
        const int blocks = (all + tiles_ - 1) / tiles_;
        const size_t most = size_t(std::min(tiles_, all));
        Pass pass;
        pass.zeros = scratch;
        pass.spread = scratch + in_;
        pass.spreadStride = most * in_ + kSkew;
        pass.product = pass.spread + kWinogradPositions * pass.spreadStride;
        pass.productStride = most * out_ + kSkew;
        pass.runs.resize(most);
        pass.out.resize(most);
        std::fill_n(scratch, in_, 0.f);
        for (int b = 0; b < blocks; ++b) {
            const int first = int(int64_t(b) * all / blocks), end = int(int64_t(b + 1) * all / blocks);
            for (int tile = first; tile < end; ++tile) spread(pass, in, tile, tile - first);
            for (size_t position = 0; position < kWinogradPositions; ++position) {
                multiply(pass, packed.data() + position * in_ * out_, position, end - first);
            }
            for (int tile = first; tile < end; ++tile) collect(pass, epilogue, out, tile, tile - first);
        }
    }

private:
    struct Pass {
        const float* zeros;
        float *spread, *product;  // positions x tiles x channels
        size_t spreadStride, productStride;
        std::vector<const float*> runs;  // the tiles of one position, and their results
        std::vector<float*> out;
    };

    struct Corner {
        int image, y, x;
    };
    Corner corner(int tile) const {
        const int perImage = tilesDown_ * tilesAcross_, place = tile % perImage;
        return {tile / perImage, place / tilesAcross_ * kWinogradOutput, place % tilesAcross_ * kWinogradOutput};
    }

    void spread(const Pass& pass, const float* in, int tile, int slot) const {
        const Corner at = corner(tile);
        const float* pixels[kWinogradPositions];
        for (int k = 0; k < kWinogradPositions; ++k) {
            const int y = at.y - shape_.pad + k / kWinogradTile, x = at.x - shape_.pad + k % kWinogradTile;
            const bool there = unsigned(y) < unsigned(shape_.in.height) && unsigned(x) < unsigned(shape_.in.width);
            const size_t pixel =
                (size_t(at.image) * size_t(shape_.in.height) + size_t(y)) * size_t(shape_.in.width) + size_t(x);
            pixels[k] = there ? in + pixel * in_ : pass.zeros;
        }
        kernels().winogradInput(pixels, int(in_), pass.spread + size_t(slot) * in_, pass.spreadStride);
    }

    void multiply(Pass& pass, const float* weights, size_t position, int tiles) const {
        const int rows = kernels().rows, blocks = (tiles + rows - 1) / rows, tap = 0;
        for (size_t tile = 0; tile < size_t(tiles); ++tile) {
            pass.runs[tile] = pass.spread + position * pass.spreadStride + tile * in_;
            pass.out[tile] = pass.product + position * pass.productStride + tile * out_;
        }
        PanelTask task;
        task.runCount = 1;
        task.runLength = int(in_);
        task.taps = &tap;
        task.columns = kernels().panel;
        for (task.first = 0; task.first < out_; task.first += size_t(task.columns)) {
            task.weights = weights + task.first * in_;
            for (int b = 0; b < blocks; ++b) {
                const int begin = b * tiles / blocks;
                task.rows = (b + 1) * tiles / blocks - begin;
                task.runs = pass.runs.data() + begin;
                task.out = pass.out.data() + begin;
                kernels().multiplyPanel(task);
            }
        }
    }

    void collect(const Pass& pass, const Epilogue& epilogue, float* out, int tile, int slot) const {
        const Corner at = corner(tile);
        float* pixels[kWinogradOutput * kWinogradOutput];
        const float* other[kWinogradOutput * kWinogradOutput];
        for (int k = 0; k < kWinogradOutput * kWinogradOutput; ++k) {
            const int y = at.y + k / kWinogradOutput, x = at.x + k % kWinogradOutput;
            const bool there = y < shape_.out.height && x < shape_.out.width;
            const size_t pixel =
                (size_t(at.image) * size_t(shape_.out.height) + size_t(y)) * size_t(shape_.out.width) + size_t(x);
            pixels[k] = there ? out + pixel * out_ : nullptr;
            other[k] = epilogue.other && there ? epilogue.other + pixel * out_ : nullptr;
        }
        kernels().winogradOutput(pass.product + size_t(slot) * out_, pass.productStride, int(out_), epilogue.bias,
                                 epilogue.other ? other : nullptr, epilogue.relu, pixels);
    }

    const size_t in_, out_;  // channels
    const int tilesDown_, tilesAcross_;
    int tiles_ = 0;  // in work at once
};

}  // namespace

bool winogradFits(const ConvShape& shape) {
    return shape.kernel == 3 && shape.stride == 1 && shape.pad == 1 && shape.in.channels % kernels().lanes == 0 &&
           shape.out.channels % kernels().panel == 0 && std::min(shape.out.height, shape.out.width) >= kLeastEdge;
}

std::unique_ptr<Convolution> createWinogradConvolution(const ConvShape& shape) {
    return std::make_unique<WinogradConvolution>(shape);
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
