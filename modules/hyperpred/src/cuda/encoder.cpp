// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/encoder.hpp"

#include <algorithm>

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

const int kChunk = 64;  // images of one convolution; always as many, see NetworkPass

}  // namespace

Encoder::Encoder(const SketchParameters& parameters, MemoryPool& pool) : parameters_(parameters), pool_(pool) {
    MapShape from;
    from.channels = kLane;
    from.height = from.width = kSketchSize;
    int inputs = 3;
    for (size_t i = 0; i < parameters.convWeight.size(); ++i) {
        Layer layer;
        layer.from = from;
        layer.to.channels = kConvChannels[i];
        layer.to.height = layer.to.width = from.height / 2;
        const Memory weight = pool.upload(parameters.convWeight[i].values);
        PackKernel<float> task{};
        task.kernel = weight.floats();
        task.outputs = kConvChannels[i];
        task.inputs = inputs;
        task.window = 9;
        layer.kernel = pool.takeOf<float>(size_t(task.count()));
        task.out = layer.kernel.floats();
        launch(pool.device(), task);
        layer.bias = pool.upload(parameters.convBias[i].values);
        from = layer.to;
        inputs = kConvChannels[i];
        layers_.push_back(std::move(layer));
    }
}

void Encoder::run(const ImageBatch& images, float* out) const {
    Device& device = pool_.device();
    const size_t imageBytes = size_t(images.size) * size_t(images.size) * 3,
                 width = size_t(imageFeatureCount(parameters_));
    const int64_t whole = blocksFor(images.count, kChunk) * kChunk;
    const Memory bytes = pool_.take(imageBytes * size_t(images.count));
    device.upload(bytes.as<uint8_t>(), images.pixels, imageBytes * size_t(images.count));
    const Memory planes = pool_.takeOf<float>(size_t(whole * 3 * kPlane));
    device.clear(planes.floats() + int64_t(images.count) * 3 * kPlane,
                 size_t((whole - images.count) * 3 * kPlane) * sizeof(float));
    SketchPlanes task{};
    task.bgr = bytes.as<uint8_t>();
    task.planes = planes.floats();
    task.size = images.size;
    task.images = images.count;
    launch(device, task);

    const Memory features = pool_.takeOf<float>(size_t(images.count) * width);
    if (parameters_.conv) {
        convolve(planes, images.count, features.floats());
    } else {
        ImageStatistics statistics{};
        statistics.planes = planes.floats();
        statistics.out = features.floats();
        statistics.images = images.count;
        launch(device, statistics);
    }
    device.download(out, features.floats(), size_t(images.count) * width * sizeof(float));
}

void Encoder::convolve(const Memory& planes, int count, float* out) const {
    Device& device = pool_.device();
    for (int first = 0; first < count; first += kChunk) {
        Memory maps = pool_.takeOf<float>(size_t(kChunk) * kPlane * kLane);
        EncoderInput input{};
        input.planes = planes.floats() + int64_t(first) * 3 * kPlane;
        input.out = maps.floats();
        input.images = kChunk;
        launch(device, input);
        for (const Layer& layer : layers_) {
            Memory next = pool_.takeOf<float>(size_t(kChunk * layer.to.elements()));
            ConvolutionTask task;
            task.images = kChunk;
            task.from = layer.from;
            task.to = layer.to;
            task.edge = 3;
            task.stride = 2;
            task.pad = 1;
            task.in = maps.floats();
            task.kernel = layer.kernel.floats();
            task.out = next.floats();
            device.convolve(task);
            Finish<float> finish{};
            finish.values = next.floats();
            finish.shift = layer.bias.floats();
            finish.relu = 1;
            finish.channels = layer.to.channels;
            finish.pixels = kChunk * layer.to.pixels();
            launch(device, finish);
            maps = std::move(next);
        }
        SpatialMean<float, float> mean{};
        mean.in = maps.floats();
        mean.out = out + int64_t(first) * kConvFeatures;
        mean.from = layers_.back().to;
        mean.channels = kConvFeatures;
        mean.stride = kConvFeatures;
        mean.images = std::min(kChunk, count - first);
        launch(device, mean);
    }
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
