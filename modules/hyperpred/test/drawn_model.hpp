// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_DRAWN_MODEL_HPP
#define HYPERPRED_TEST_DRAWN_MODEL_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "model_file.hpp"
#include "sentence.hpp"

namespace cv {
namespace hyperpred {
namespace test {

using Tensors = std::map<std::string, Tensor>;

// Values of a tensor that depend on its name alone, within -spread..spread.
inline Tensor drawn(const std::string& name, const std::vector<int64_t>& shape, float spread = 0.5f) {
    std::mt19937 chance(static_cast<uint32_t>(std::hash<std::string>()(name)));
    Tensor tensor;
    tensor.shape = shape;
    size_t count = 1;
    for (const int64_t extent : shape) count *= size_t(extent);
    for (size_t i = 0; i < count; ++i) tensor.values.push_back(spread * (float(chance() >> 8) * 0x1p-23f - 1));
    return tensor;
}

inline void add(Tensors& tensors, const std::string& name, const std::vector<int64_t>& shape) {
    tensors[name] = drawn(name, shape);
}

// A safetensors file in memory (F32, no checksum): a reader of one part needs no metadata and no whole model.
inline ModelFile inMemory(const Tensors& tensors) {
    nlohmann::ordered_json header;
    std::vector<uint8_t> data;
    for (const auto& item : tensors) {
        const size_t begin = data.size();
        const uint8_t* bytes = reinterpret_cast<const uint8_t*>(item.second.values.data());
        data.insert(data.end(), bytes, bytes + item.second.values.size() * sizeof(float));
        header[item.first] = {{"dtype", "F32"}, {"shape", item.second.shape}, {"data_offsets", {begin, data.size()}}};
    }
    const std::string text = header.dump();
    std::vector<uint8_t> file;
    for (int i = 0; i < 8; ++i) file.push_back(uint8_t(uint64_t(text.size()) >> (8 * i)));
    file.insert(file.end(), text.begin(), text.end());
    file.insert(file.end(), data.begin(), data.end());
    return ModelFile::parse(file, "drawn.safetensors");
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
