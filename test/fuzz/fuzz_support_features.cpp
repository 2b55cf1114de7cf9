// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "hash.hpp"
#include "refusal.hpp"
#include "support_features.hpp"

using namespace cv::hyperpred;

namespace {

// A support file needs a right checksum, and no mutation finds one: the target puts it in.
void setChecksum(std::vector<uint8_t>& bytes) {
    const std::string key = "\"checksum\":\"";
    const auto found = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
    if (bytes.end() - found < std::ptrdiff_t(key.size()) + 16) return;
    const auto digits = found + std::ptrdiff_t(key.size());
    std::fill(digits, digits + 16, uint8_t('0'));
    char text[17];
    std::snprintf(text, sizeof text, "%016llx",
                  static_cast<unsigned long long>(contentHash(bytes.data(), bytes.size())));
    std::copy(text, text + 16, digits);
}

std::string fileOf(const std::vector<uint8_t>& bytes) {
    static const int file = ::memfd_create("fuzz.support", MFD_CLOEXEC);
    if (::ftruncate(file, 0) != 0 || ::pwrite(file, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) {
        finding("no file in memory");
    }
    return "/proc/self/fd/" + std::to_string(file);
}

}  // namespace

// Any bytes are a support file whose parts fit together and that survives writing, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<uint8_t> bytes(data, data + size);
    setChecksum(bytes);
    const std::string path = fileOf(bytes);
    SupportFeatures support;
    try {
        support = readSupportFeatures(path);
    } catch (const cv::Exception& error) {
        checkRefusal(error, path);
        return 0;
    }
    const size_t images = support.labels.size();
    if (support.hashes.size() != images || support.rows.size() != images * size_t(support.columns)) {
        finding("parts of different lengths");
    }
    for (const int label : support.labels) {
        if (label < 0 || size_t(label) >= support.classNames.size()) finding("a label outside the classes");
    }
    const SupportFeatures again = readSupportFeatures(fileOf(supportFileBytes("again.support", support)));
    if (again.classNames != support.classNames || again.labels != support.labels || again.hashes != support.hashes ||
        again.rows != support.rows || again.body != support.body) {
        finding("changed by writing");
    }
    return 0;
}
