// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HASH_HPP
#define HYPERPRED_HASH_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cv {
namespace hyperpred {

// Content hash of bytes: FNV-1a over little-endian 64-bit words, then the finaliser of splitmix64, so that every bit
// of the result depends on every bit of the input. Each step is a bijection of the running state, so two inputs of
// one length that differ in a single word never collide: that is what the checksum of a model file rests on. It is
// not cryptographic.
inline uint64_t contentHash(const void* bytes, size_t size, uint64_t seed = 0) {
    const uint64_t prime = 0x100000001b3ULL;
    const auto* p = static_cast<const unsigned char*>(bytes);
    uint64_t state = 0xcbf29ce484222325ULL ^ seed;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        std::memcpy(&word, p + i, 8);
        state = (state ^ word) * prime;
        state ^= state >> 32;
    }
    uint64_t last = 0;
    std::memcpy(&last, p + i, size - i);
    state = (state ^ last) * prime;
    state = (state ^ static_cast<uint64_t>(size)) * prime;
    state ^= state >> 30;
    state *= 0xbf58476d1ce4e5b9ULL;
    state ^= state >> 27;
    state *= 0x94d049bb133111ebULL;
    return state ^ (state >> 31);
}

}  // namespace hyperpred
}  // namespace cv

#endif
