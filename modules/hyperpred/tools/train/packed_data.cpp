// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "packed_data.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "atomic_file.hpp"
#include "error.hpp"
#include "packed_header.hpp"

namespace cv {
namespace hyperpred {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& sentence) {
    fail(Failure::BadFile, "packed file \"" + path + "\": " + sentence);
}

std::vector<int> selectClasses(const DataRule& rule, const PackedFile& file) {
    std::vector<int> rest;
    for (int c = 0; c < int(file.classNames.size()); ++c) {
        const bool modulo = (rule.excludeModulo > 0 && c % rule.excludeModulo == rule.excludeRemainder) ||
                            (rule.onlyModulo > 0 && c % rule.onlyModulo != rule.onlyRemainder);
        const auto& names = rule.excludeNames;
        if (!modulo && std::count(names.begin(), names.end(), file.classNames[size_t(c)]) == 0) rest.push_back(c);
    }
    for (const std::string& name : rule.excludeNames) {
        if (std::count(file.classNames.begin(), file.classNames.end(), name) == 0) {
            refuse(rule.file, "has no class \"" + name + "\" that exclude_names could leave out");
        }
    }
    const size_t drop = size_t(rule.excludeLastOfRest), only = size_t(rule.onlyLastOfRest);
    rest.resize(rest.size() - std::min(drop, rest.size()));
    const bool enough = only <= rest.size();
    if (only > 0 && enough) rest.erase(rest.begin(), rest.end() - std::ptrdiff_t(only));
    if (!enough || rest.size() < 2) {
        refuse(rule.file, "its rule leaves fewer than two of " + std::to_string(file.classNames.size()) +
                              " classes, or fewer than only_last_of_rest asks for");
    }
    return rest;
}

}  // namespace

PackedFile readPackedFile(const std::string& path) {
    std::error_code failure;
    const uint64_t fileBytes = std::filesystem::file_size(path, failure);
    std::ifstream in(path, std::ios::binary);
    if (failure || !in) fail(Failure::NotFound, "packed file \"" + path + "\": cannot be opened");
    const PackedHeader header = readPackedHeader(in, path, fileBytes);
    PackedFile file;
    file.classNames = header.classNames;
    file.labels = torch::empty({header.count}, torch::kInt);
    file.pixels = torch::empty({header.count, header.size, header.size, 3}, torch::kByte);
    in.read(static_cast<char*>(file.labels.data_ptr()), std::streamsize(file.labels.numel() * 4));
    in.read(static_cast<char*>(file.pixels.data_ptr()), std::streamsize(file.pixels.numel()));
    if (!in) refuse(path, "cannot be read to its end");
    checkPackedLabels(file.labels.data_ptr<int32_t>(), header, path);
    file.labels = file.labels.to(torch::kLong);
    return file;
}

void writePackedFile(const std::string& path, int size, const std::vector<std::string>& classNames,
                     const std::vector<int>& labels, const std::vector<unsigned char>& pixels) {
    PackedHeader header;
    header.size = size;
    header.count = int(labels.size());
    header.classNames = classNames;
    const std::string bytes = packedHeaderBytes(header);
    writeAtomically(path, [&](std::ostream& out) {
        out.write(bytes.data(), std::streamsize(bytes.size()));
        out.write(reinterpret_cast<const char*>(labels.data()), std::streamsize(labels.size() * 4));
        out.write(reinterpret_cast<const char*>(pixels.data()), std::streamsize(pixels.size()));
    });
}

std::vector<DataSet> selectData(const std::vector<DataRule>& rules, std::map<std::string, PackedFile>& files) {
    std::vector<DataSet> sets;
    int firstLabel = 0;
    for (const DataRule& rule : rules) {
        if (files.count(rule.file) == 0) files[rule.file] = readPackedFile(rule.file);
        const PackedFile& file = files[rule.file];
        DataSet set;
        set.name = rule.name;
        set.file = rule.file;
        set.pixels = file.pixels;
        set.firstLabel = firstLabel;
        for (const int c : selectClasses(rule, file)) {
            const torch::Tensor rows = (file.labels == c).nonzero().squeeze(1);
            if (rows.numel() == 0) refuse(rule.file, "class \"" + file.classNames[size_t(c)] + "\" has no image");
            set.classes.push_back(rows);
            set.classNames.push_back(file.classNames[size_t(c)]);
        }
        firstLabel += int(set.classes.size());
        sets.push_back(set);
    }
    return sets;
}

void moveToDevice(std::vector<DataSet>& sets, std::map<std::string, PackedFile>& files, const torch::Device& device) {
    for (DataSet& set : sets) {
        PackedFile& file = files.at(set.file);
        if (file.pixels.device() != device) {
            try {
                file.pixels = file.pixels.to(device);
            } catch (const c10::Error& error) {
                if (std::string(error.what()).find("out of memory") == std::string::npos) throw;
                std::fprintf(stderr, "packed file \"%s\" does not fit into the device's memory, it stays on the host\n",
                             set.file.c_str());
            }
        }
        set.pixels = file.pixels;
    }
}

torch::Tensor gatherImages(const torch::Tensor& pixels, const torch::Tensor& rows, const torch::Device& device) {
    return pixels.index_select(0, rows.to(pixels.device())).to(device).permute({0, 3, 1, 2}).flip(1).to(torch::kFloat);
}

}  // namespace hyperpred
}  // namespace cv
