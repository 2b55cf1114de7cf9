// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "recurrent.hpp"

#include <cmath>
#include <string>

#include "hypernetwork.hpp"

namespace cv {
namespace hyperpred {

std::vector<float> describeLayer(const Architecture& architecture, int layer) {
    const std::vector<int> layers = predictedLayers(architecture);
    const Node& node = architecture.nodes[size_t(layers.at(size_t(layer)))];
    const float edge = float(node.shape.height);
    bool shrinks = true;
    if (layer > 0) {
        shrinks = node.shape.height < architecture.nodes[size_t(layers[size_t(layer - 1)])].shape.height;
    }
    return {node.inputs[0] == kImageInput ? 1.f : 0.f,
            node.kernel == 1 ? 1.f : 0.f,
            float(node.kernel) / 7.f,
            std::log2(float(node.stride)),
            std::log2(float(kernelInputs(architecture, node))) / 10.f,
            std::log2(float(node.out)) / 10.f,
            std::log2(edge) / 6.f,
            float(layer) / float(layers.size()),
            shrinks ? 1.f : 0.f,
            1.f};
}

RecurrentParameters readRecurrent(const ModelFile& file, const HyperConfig& config, const Architecture& architecture) {
    const int64_t width = config.width, embedding = config.embedding;
    RecurrentParameters parameters;
    parameters.width = config.width;
    parameters.sketchMix = config.sketchMix;
    const int count = int(predictedLayers(architecture).size());
    parameters.descriptions.shape = {count, kDescriptionSize};
    for (int layer = 0; layer < count; ++layer) {
        const std::vector<float> description = describeLayer(architecture, layer);
        parameters.descriptions.values.insert(parameters.descriptions.values.end(), description.begin(),
                                              description.end());
    }
    parameters.embedWeight = file.read("recurrent.embed.weight", {embedding, kDescriptionSize});
    parameters.embedBias = file.read("recurrent.embed.bias", {embedding});
    for (int i = 0; i < config.layers; ++i) {
        const std::string stem = "recurrent.cell" + std::to_string(i);
        RecurrentParameters::Cell cell;
        cell.inputWeight = file.read(stem + ".input.weight", {3 * width, i == 0 ? embedding + width : width});
        cell.inputBias = file.read(stem + ".input.bias", {3 * width});
        cell.hiddenWeight = file.read(stem + ".hidden.weight", {3 * width, width});
        cell.hiddenBias = file.read(stem + ".hidden.bias", {3 * width});
        parameters.cells.push_back(std::move(cell));
    }
    parameters.normWeight = file.read("recurrent.norm.weight", {width});
    parameters.normBias = file.read("recurrent.norm.bias", {width});
    return parameters;
}

}  // namespace hyperpred
}  // namespace cv
