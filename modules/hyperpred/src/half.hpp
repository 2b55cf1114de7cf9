// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_HALF_HPP
#define HYPERPRED_HALF_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __F16C__
#include <immintrin.h>
#endif

// IEEE 754 binary16 <-> binary32, rounding to nearest even. The portable functions give bit for bit what the F16C
// instructions give, NaN included, so that a file does not depend on the machine that wrote it.

namespace cv {
namespace hyperpred {

inline uint16_t floatToHalfPortable(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    const uint32_t sign = (bits >> 16) & 0x8000u;
    bits &= 0x7fffffffu;
    uint32_t half;
    if (bits > 0x7f800000u) {  // NaN: made quiet, the upper payload bits stay
        half = 0x7e00u | ((bits >> 13) & 0x3ffu);
    } else if (bits >= 0x477ff000u) {  // from 65520 on the nearest half is infinity
        half = 0x7c00u;
    } else if (bits >= 0x38800000u) {  // normal: exponent bias 127 -> 15; the carry of rounding may raise the exponent
        half = (bits - 0x38000000u + 0xfffu + ((bits >> 13) & 1u)) >> 13;
    } else if (bits > 0x33000000u) {  // subnormal: multiples of 2^-24, from just above half of one
        const uint32_t shift = 126u - (bits >> 23);  // 14..24
        const uint32_t mantissa = (bits & 0x7fffffu) | 0x800000u;
        half = (mantissa + (1u << (shift - 1)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
    } else {
        half = 0;
    }
    return static_cast<uint16_t>(sign | half);
}

inline float halfToFloatPortable(uint16_t half) {
    const uint32_t sign = uint32_t(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu, mantissa = half & 0x3ffu;
    uint32_t bits = 0;
    if (exponent == 31u) {
        bits = 0x7f800000u | (mantissa << 13) | (mantissa != 0 ? 0x400000u : 0u);
    } else if (exponent != 0) {
        bits = ((exponent + 112u) << 23) | (mantissa << 13);
    } else if (mantissa != 0) {  // subnormal: shifted until its leading one is the implied bit
        for (exponent = 113u; (mantissa & 0x400u) == 0; --exponent) mantissa <<= 1;
        bits = (exponent << 23) | ((mantissa & 0x3ffu) << 13);
    }
    bits |= sign;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

inline uint16_t floatToHalf(float value) {
#ifdef __F16C__
    return static_cast<uint16_t>(_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
    return floatToHalfPortable(value);
#endif
}

inline float halfToFloat(uint16_t half) {
#ifdef __F16C__
    return _cvtsh_ss(half);
#else
    return halfToFloatPortable(half);
#endif
}

// `halves`: count little-endian halves at any address.
inline void halvesToFloats(const void* halves, size_t count, float* floats) {
    const auto* bytes = static_cast<const unsigned char*>(halves);
    size_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= count; i += 8) {
        const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 2 * i));
        _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(eight));
    }
#endif
    for (; i < count; ++i) {
        uint16_t half;
        std::memcpy(&half, bytes + 2 * i, 2);
        floats[i] = halfToFloat(half);
    }
}

}  // namespace hyperpred
}  // namespace cv

#endif
