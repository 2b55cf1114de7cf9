// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// A main for fuzz targets where libFuzzer is missing: runs the target on the files given, folders with all they hold.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::filesystem::path> inputsOf(int count, char** arguments) {
    std::vector<std::filesystem::path> inputs;
    for (int i = 1; i < count; ++i) {
        if (!std::filesystem::is_directory(arguments[i])) {
            inputs.emplace_back(arguments[i]);
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) inputs.push_back(entry.path());
    }
    std::sort(inputs.begin(), inputs.end());
    return inputs;
}

bool replay(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in) {
        std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
        return false;
    }
    std::fprintf(stderr, "%s\n", path.c_str());  // the last line names the input that crashed
    // The whole, then its first half: a corpus of files that load says little about files that do not.
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    for (const size_t size : {bytes.size(), bytes.size() / 2}) {
        const std::vector<uint8_t> exact(data, data + size);
        LLVMFuzzerTestOneInput(exact.data(), exact.size());
    }
    return true;
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::filesystem::path> inputs = inputsOf(count, arguments);
    for (const std::filesystem::path& path : inputs) {
        if (!replay(path)) return 1;
    }
    std::printf("%zu inputs\n", inputs.size());
    return inputs.empty() ? 1 : 0;
}
