// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cifar_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cifar_pickle.hpp"
#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

namespace fs = std::filesystem;

const size_t kPlane = size_t(kCifarEdge) * kCifarEdge, kImage = 3 * kPlane;
const uintmax_t kMaxBytes = uintmax_t(1) << 30;

std::string readWhole(const fs::path& path) {
    std::error_code error;
    const uintmax_t size = fs::file_size(path, error);
    if (error || size > kMaxBytes) fail(Failure::BadFile, "\"" + path.string() + "\" cannot be read or exceeds 1 GiB");
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.good() && !in.eof()) fail(Failure::BadFile, "\"" + path.string() + "\" cannot be read");
    return bytes;
}

bool startsWith(const std::string& text, const std::string& start) {
    return text.compare(0, start.size(), start) == 0;
}

// "train" of "train.bin"; batches of CIFAR-10 have one label a record, CIFAR-100 has a coarse and a fine one.
std::string stemOf(const fs::path& path) {
    return path.extension() == ".bin" ? path.stem().string() : path.filename().string();
}
bool isCifar10(const fs::path& path) {
    return startsWith(stemOf(path), "data_batch_") || stemOf(path) == "test_batch";
}
bool isCifarName(const fs::path& path) {
    return isCifar10(path) || stemOf(path) == "train" || stemOf(path) == "test";
}

// Planes of red, green and blue -> BGR pixels.
void appendPixels(const char* planes, std::vector<unsigned char>& pixels) {
    for (size_t i = 0; i < kPlane; ++i) {
        for (const size_t plane : {2, 1, 0}) pixels.push_back(static_cast<unsigned char>(planes[plane * kPlane + i]));
    }
}

void appendLabel(int64_t label, int classes, const std::string& where, CifarSet& set) {
    if (label < 0 || label >= classes) {
        fail(Failure::BadFile, where + ": label " + std::to_string(label) + " of image " +
                                   std::to_string(set.labels.size()) + " is not in 0.." + std::to_string(classes - 1));
    }
    set.labels.push_back(int(label));
}

void appendBinary(const fs::path& path, CifarSet& set) {
    const bool ten = isCifar10(path);
    const size_t record = kImage + (ten ? 1 : 2);
    const std::string bytes = readWhole(path);
    if (bytes.empty() || bytes.size() % record != 0) {
        fail(Failure::BadFile, "\"" + path.string() + "\" has " + std::to_string(bytes.size()) +
                                   " bytes, which is no multiple of " + std::to_string(record) +
                                   ", a record of CIFAR-" + (ten ? "10" : "100"));
    }
    for (size_t at = 0; at < bytes.size(); at += record) {
        appendLabel(uint8_t(bytes[at + (ten ? 0 : 1)]), ten ? 10 : 100, "\"" + path.string() + "\"", set);
        appendPixels(bytes.data() + at + record - kImage, set.pixels);
    }
}

// The bytes of a pickled N x 3072 array: its state is (version, shape, type, column-major, bytes).
std::string_view arrayBytes(const Pickled& array, size_t rows, const std::string& where) {
    const auto& state = array.items;
    const bool whole = state.size() == 5 && state[4]->kind == Pickled::Kind::Text && state[3]->integer == 0 &&
                       state[4]->text.size() == rows * kImage;
    if (!whole) {
        fail(Failure::BadFile, where + ": \"data\" must be an array of " + std::to_string(rows) + " x " +
                                   std::to_string(kImage) + " bytes, one row a label");
    }
    return state[4]->text;
}

void appendPython(const fs::path& path, CifarSet& set) {
    const bool ten = isCifar10(path);
    const std::string where = "\"" + path.string() + "\"", bytes = readWhole(path);
    const auto root = parsePickle(bytes, where);
    const char* const key = ten ? "labels" : "fine_labels";
    const Pickled* labels = root->find(key);
    const Pickled* data = root->find("data");
    if (!labels || !data || labels->items.empty()) {
        fail(Failure::BadFile, where + ": a dictionary with \"data\" and \"" + key + "\" is expected");
    }
    const std::string_view pixels = arrayBytes(*data, labels->items.size(), where);
    for (size_t i = 0; i < labels->items.size(); ++i) {
        if (labels->items[i]->kind != Pickled::Kind::Integer) {
            fail(Failure::BadFile, where + ": label " + std::to_string(i) + " of \"" + key + "\" is no integer");
        }
        appendLabel(labels->items[i]->integer, ten ? 10 : 100, where, set);
        appendPixels(pixels.data() + i * kImage, set.pixels);
    }
}

std::vector<std::string> namesOfLines(const fs::path& path) {
    std::vector<std::string> names;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.empty()) names.push_back(line);
    }
    return names;
}

std::vector<std::string> namesOfPickle(const fs::path& path, const char* key) {
    if (!fs::exists(path)) return {};
    const std::string bytes = readWhole(path);
    const auto root = parsePickle(bytes, "\"" + path.string() + "\"");
    std::vector<std::string> names;
    if (const Pickled* list = root->find(key)) {
        for (const Pickled* item : list->items) names.emplace_back(item->text);
    }
    return names;
}

std::vector<std::string> classNames(const fs::path& file) {
    const fs::path folder = file.parent_path();
    const bool ten = isCifar10(file), binary = file.extension() == ".bin";
    const fs::path path =
        folder / (binary ? (ten ? "batches.meta.txt" : "fine_label_names.txt") : (ten ? "batches.meta" : "meta"));
    const std::vector<std::string> names =
        binary ? namesOfLines(path) : namesOfPickle(path, ten ? "label_names" : "fine_label_names");
    const size_t classes = ten ? 10 : 100;
    if (names.size() != classes) {
        fail(Failure::BadFile, "\"" + path.string() + "\" must hold " + std::to_string(classes) +
                                   " class names, holds " + std::to_string(names.size()));
    }
    return names;
}

}  // namespace

std::vector<std::string> cifarFiles(const std::string& path) {
    if (fs::is_regular_file(path)) {
        return isCifarName(path) ? std::vector<std::string>{path} : std::vector<std::string>{};
    }
    if (stemOf(path) != "data_batch" || fs::exists(path)) return {};
    std::vector<std::string> files;
    for (int batch = 1; batch <= 5; ++batch) {
        for (const char* ending : {"", ".bin"}) {
            const std::string file =
                (fs::path(path).parent_path() / ("data_batch_" + std::to_string(batch) + ending)).string();
            if (fs::is_regular_file(file)) files.push_back(file);
        }
    }
    return files;
}

CifarSet readCifar(const std::vector<std::string>& files) {
    if (files.empty()) fail(Failure::BadArgument, "no CIFAR file is given; at least one is needed");
    CifarSet set;
    set.classNames = classNames(files.front());
    for (const std::string& file : files) {
        if (fs::path(file).extension() == ".bin") {
            appendBinary(file, set);
        } else {
            appendPython(file, set);
        }
    }
    return set;
}

}  // namespace hyperpred
}  // namespace cv
