// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>

#include "reference/plain_loops.hpp"

namespace cv {
namespace hyperpred {
namespace reference {

namespace {

// Four strided convolutions, then the mean over what is left of space.
std::vector<float> convFeatures(const SketchParameters& parameters, const std::vector<float>& planes) {
    std::vector<float> x(planes.size());
    for (size_t i = 0; i < x.size(); ++i) x[i] = 2 * (planes[i] - 0.5f);
    Shape in{3, kSketchSize, kSketchSize};
    for (size_t layer = 0; layer < parameters.convWeight.size(); ++layer) {
        const Shape out{kConvChannels[layer], in.height / 2, in.width / 2};
        x = convolve(x, in, parameters.convWeight[layer], 2, 1, out);
        const size_t plane = size_t(out.height) * size_t(out.width);
        for (size_t i = 0; i < x.size(); ++i) {
            x[i] = std::max(0.f, x[i] + parameters.convBias[layer].values[i / plane]);
        }
        in = out;
    }
    const size_t plane = size_t(in.height) * size_t(in.width);
    std::vector<float> means;
    for (size_t c = 0; c < size_t(in.channels); ++c) {
        double sum = 0;
        for (size_t i = 0; i < plane; ++i) sum += double(x[c * plane + i]);
        means.push_back(float(sum / double(plane)));
    }
    return means;
}

}  // namespace

std::vector<float> encode(const SketchParameters& parameters, const ImageBatch& images) {
    std::vector<float> result, planes(3 * kSketchSize * kSketchSize);
    for (int n = 0; n < images.count; ++n) {
        sketchPlanes(images.pixels + size_t(n) * size_t(images.size) * size_t(images.size) * 3, images.size,
                     planes.data());
        std::vector<float> one(kStatsFeatures);
        if (parameters.conv) {
            one = convFeatures(parameters, planes);
        } else {
            imageStatistics(planes.data(), one.data());
        }
        result.insert(result.end(), one.begin(), one.end());
    }
    return result;
}

}  // namespace reference
}  // namespace hyperpred
}  // namespace cv
