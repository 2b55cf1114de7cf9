// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FUZZ_MEMORY_FILE_HPP
#define HYPERPRED_FUZZ_MEMORY_FILE_HPP

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "hash.hpp"
#include "refusal.hpp"

// Safetensors files need a right checksum, and no mutation finds one: put in where there is room for it.
inline void setChecksum(std::vector<uint8_t>& bytes) {
    const std::string key = "\"checksum\":\"";
    const auto found = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
    if (bytes.end() - found < std::ptrdiff_t(key.size()) + 16) return;
    const auto digits = found + std::ptrdiff_t(key.size());
    std::fill(digits, digits + 16, uint8_t('0'));
    char text[17];
    std::snprintf(text, sizeof text, "%016llx",
                  static_cast<unsigned long long>(cv::hyperpred::contentHash(bytes.data(), bytes.size())));
    std::copy(text, text + 16, digits);
}

// The bytes as a file, for readers that want a path: always the same one, without a disk.
inline std::string fileOf(const std::vector<uint8_t>& bytes) {
    static const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
    if (::ftruncate(file, 0) != 0 || ::pwrite(file, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) {
        finding("no file in memory");
    }
    return "/proc/self/fd/" + std::to_string(file);
}

#endif
