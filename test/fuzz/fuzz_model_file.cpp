// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cmath>

#include "hypernetwork.hpp"
#include "model_file.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

// Any bytes are a model file whose every tensor is finite and as large as its shape says, and perhaps a whole
// hypernetwork, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const ModelFile file = ModelFile::parse(std::vector<uint8_t>(data, data + size), "fuzz.safetensors");
        for (const auto& item : file.entries()) {
            int64_t count = 1;
            for (const int64_t extent : item.second.shape) count *= extent;
            const StorageType type = item.second.type;
            const int64_t width = type == StorageType::F32 ? 4 : type == StorageType::F16 ? 2 : 1;
            if (int64_t(item.second.end - item.second.begin) != count * width) finding("a tensor of another size");
        }
        const HyperNetwork hyper = loadHyperNetwork(file);
        for (const LayerGenerator& layer : hyper.generators.layers) {
            for (const float value : layer.filmWeight.values) {
                if (!std::isfinite(value)) finding("a weight that is not finite was loaded");
            }
        }
    } catch (const cv::Exception& error) {
        checkRefusal(error, "fuzz.safetensors");
    }
    return 0;
}
