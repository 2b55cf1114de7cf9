// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>

#include "cpu/convolution.hpp"
#include "cpu/hypernetwork_pass.hpp"
#include "cpu/maps.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

const int kChunk = 16;  // images
const size_t kPlane = size_t(kSketchSize) * kSketchSize;

// The paper's kind of encoder: four strided convolutions.
class ConvEncoder {
public:
    ConvEncoder(const SketchParameters& parameters, const Workers& workers) {
        Shape in{3, kSketchSize, kSketchSize};
        for (size_t i = 0; i < parameters.convWeight.size(); ++i) {
            Layer layer;
            layer.shape = {kConvChannels[i], in.height / 2, in.width / 2};
            layer.convolution = createDirectConvolution({in, layer.shape, 3, 2, 1});
            layer.kernel = layer.convolution->pack(parameters.convWeight[i].values.data(), nullptr, workers);
            layer.bias = paddedToPanel(parameters.convBias[i].values.data(), kConvChannels[i]);
            scratch_ = std::max(scratch_, layer.convolution->scratchFloats(kChunk));
            layers_.push_back(std::move(layer));
            in = layers_.back().shape;
        }
    }

    // `maps`: images x 32 x 32 x 3.
    void run(const Buffer& maps, int images, float* out) const {
        Buffer scratch(scratch_), held;
        const float* in = maps.data();
        for (const Layer& layer : layers_) {
            Buffer next(size_t(images) * size_t(layer.shape.channels) * size_t(layer.shape.height) *
                        size_t(layer.shape.width));
            Epilogue epilogue;
            epilogue.bias = layer.bias.data();
            epilogue.relu = true;
            layer.convolution->run(layer.kernel, in, images, epilogue, next.data(), scratch.data());
            held = std::move(next);
            in = held.data();
        }
        spatialMean(in, layers_.back().shape, images, out, kConvFeatures);
    }

private:
    struct Layer {
        Shape shape;
        std::unique_ptr<Convolution> convolution;
        Buffer kernel, bias;
    };
    std::vector<Layer> layers_;
    size_t scratch_ = 0;
};

void encodeByConv(const SketchParameters& parameters, const ImageBatch& images, const Workers& workers, float* out) {
    const ConvEncoder encoder(parameters, workers);
    const size_t imageBytes = size_t(images.size) * size_t(images.size) * 3;
    workers.forEach((images.count + kChunk - 1) / kChunk, [&](int chunk, int) {
        const int first = chunk * kChunk, count = std::min(kChunk, images.count - first);
        Buffer maps(size_t(count) * kPlane * 3);
        std::vector<float> planes(3 * kPlane);
        for (int n = 0; n < count; ++n) {
            sketchPlanes(images.pixels + size_t(first + n) * imageBytes, images.size, planes.data());
            float* map = maps.data() + size_t(n) * kPlane * 3;
            for (size_t i = 0; i < 3 * kPlane; ++i) map[i] = 2 * (planes[i % 3 * kPlane + i / 3] - 0.5f);
        }
        encoder.run(maps, count, out + size_t(first) * kConvFeatures);
    });
}

}  // namespace

std::vector<float> encode(const SketchParameters& parameters, const ImageBatch& images, const Workers& workers) {
    const size_t width = size_t(imageFeatureCount(parameters));
    const size_t imageBytes = size_t(images.size) * size_t(images.size) * 3;
    std::vector<float> features(size_t(images.count) * width);
    if (parameters.conv) {
        encodeByConv(parameters, images, workers, features.data());
        return features;
    }
    workers.forEach(images.count, [&](int n, int) {
        std::vector<float> planes(3 * kPlane);
        sketchPlanes(images.pixels + size_t(n) * imageBytes, images.size, planes.data());
        imageStatistics(planes.data(), features.data() + size_t(n) * width);
    });
    return features;
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
