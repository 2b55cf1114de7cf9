// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_TRAIN_TINY_TRAINING_HPP
#define HYPERPRED_TEST_TRAIN_TINY_TRAINING_HPP

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "packed_data.hpp"

// A training that takes a second: a network of two convolutions, drawn images of 16 pixels, a folder of its own.
class TinyTraining {
public:
    TinyTraining()
        : folder_(std::filesystem::temp_directory_path() / ("hyperpred-train-" + std::to_string(::getpid()))) {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        writeArchitecture();
        writeImages();
    }
    ~TinyTraining() { std::filesystem::remove_all(folder_); }
    TinyTraining(const TinyTraining&) = delete;
    TinyTraining& operator=(const TinyTraining&) = delete;

    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    // `out` names the folder of the run; `more` are overrides.
    cv::hyperpred::Settings settings(const std::string& out, const std::vector<std::string>& more) const {
        const std::string json =
            R"({"architecture": ")" + path("net.json") + R"(", "data": [{"file": ")" + path("a.pack") +
            R"(", "name": "drawn", "exclude_last_of_rest": 3}], "validation": [{"file": ")" + path("a.pack") +
            R"(", "name": "held", "only_last_of_rest": 3}], "hypernetwork": {"width": 16, "embedding": 8, "rank": 2,
            "bottleneck": 4}, "base": {"epochs": 2, "batch": 14, "mixup": 0.3, "erase": 0.3, "transform": 0.5},
            "meta": {"tasks": 8, "support_images": 40, "query_images": 20, "warmup_tasks": 2, "validate_every": 5,
            "validation_tasks": 1}, "run": {"threads": 2, "out": ")" +
            path(out) + R"("}})";
        return cv::hyperpred::parseSettings(json, "tiny", more);
    }

private:
    void writeArchitecture() const {
        std::ofstream(path("net.json")) << R"({"name": "tiny", "input": {"size": 16, "channels": 3,
            "mean": [120.0, 121.0, 122.0], "std": [60.0, 61.0, 62.0]}, "layers": [
            {"name": "c1", "op": "conv", "input": "image", "out": 7, "kernel": 3, "stride": 1, "pad": 1},
            {"name": "b1", "op": "batch_norm", "input": "c1"}, {"name": "r1", "op": "relu", "input": "b1"},
            {"name": "p1", "op": "max_pool", "input": "r1", "kernel": 2, "stride": 2, "pad": 0},
            {"name": "c2", "op": "conv", "input": "p1", "out": 9, "kernel": 3, "stride": 1, "pad": 1},
            {"name": "b2", "op": "batch_norm", "input": "c2"}, {"name": "r2", "op": "relu", "input": "b2"}],
            "stages": ["p1", "r2"]})";
    }

    // Class c has its own mean colour; the rest is a hash of the place, so that the file is always the same.
    void writeImages() const {
        const int size = 16, classes = 10, each = 15;
        std::vector<std::string> names;
        std::vector<int> labels;
        std::vector<unsigned char> pixels;
        for (int c = 0; c < classes; ++c) names.push_back("class" + std::to_string(c));
        for (int i = 0; i < classes * each; ++i) {
            labels.push_back(i % classes);
            for (int p = 0; p < size * size * 3; ++p) {
                const unsigned hash = unsigned(i * 7919 + p) * 2654435761u;
                pixels.push_back(static_cast<unsigned char>((i % classes) * 20 + int(hash >> 26)));
            }
        }
        cv::hyperpred::writePackedFile(path("a.pack"), size, names, labels, pixels);
    }

    std::filesystem::path folder_;
};

#endif
