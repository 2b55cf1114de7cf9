// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "data_folder.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "error.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace fs = std::filesystem;

namespace {

const char kModelEnding[] = ".safetensors";

}  // namespace

std::string dataFolder() {
    const char* given = std::getenv("HYPERPRED_DATA");
    if (given != nullptr && given[0] != '\0') return given;
    std::error_code failure;
    const fs::path program = fs::read_symlink("/proc/self/exe", failure);
    // HYPERPRED_DATA_FROM_PROGRAM: from the folder of the programs to that of the data, "../share/hyperpred".
    return (program.parent_path() / HYPERPRED_DATA_FROM_PROGRAM).lexically_normal().string();
}

std::vector<std::string> dataFiles(const std::string& kind, const std::string& extension) {
    std::vector<std::string> files;
    std::error_code failure;
    fs::directory_iterator entry(fs::path(dataFolder()) / kind, failure);
    for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
        if (entry->path().extension() == extension) files.push_back(entry->path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string modelPath(const std::string& name) {
    std::error_code failure;
    if (name.find('/') != std::string::npos || fs::exists(name, failure)) return name;
    fs::path path = fs::path(dataFolder()) / "models" / name;
    if (path.extension() != kModelEnding) path += kModelEnding;
    if (fs::exists(path, failure)) return path.string();
    std::string known;
    for (const std::string& file : dataFiles("models", kModelEnding)) {
        known += (known.empty() ? "" : ", ") + fs::path(file).stem().string();
    }
    fail(Failure::NotFound, "model " + quotedPath(name) + ": there is no such file, and no " +
                                quotedPath(path.string()) + "; " +
                                (known.empty() ? "that folder holds no model" : "models there: " + known) +
                                " (HYPERPRED_DATA names another folder)");
}

}  // namespace hyperpred
}  // namespace cv
