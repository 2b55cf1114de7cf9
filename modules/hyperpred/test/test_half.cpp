// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE half
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "half.hpp"

using namespace cv::hyperpred;

namespace {

uint32_t bitsOf(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

float floatOf(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

bool isNan(uint16_t half) {
    return (half & 0x7fffu) > 0x7c00u;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_half_survives_the_way_to_float_and_back) {
    for (uint32_t i = 0; i <= 0xffffu; ++i) {
        const auto half = uint16_t(i);
        const uint16_t quiet = isNan(half) ? uint16_t(half | 0x200u) : half;  // a NaN comes back quiet
        BOOST_REQUIRE_EQUAL(floatToHalfPortable(halfToFloatPortable(half)), quiet);
        BOOST_REQUIRE_EQUAL(floatToHalf(halfToFloat(half)), quiet);
    }
}

BOOST_AUTO_TEST_CASE(every_half_has_the_value_of_its_fields) {
    for (uint32_t i = 0; i < 0x7c00u; ++i) {
        const int exponent = int(i >> 10), mantissa = int(i & 0x3ffu);
        const double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
        BOOST_REQUIRE_EQUAL(double(halfToFloat(uint16_t(i))), value);
        BOOST_REQUIRE_EQUAL(double(halfToFloat(uint16_t(i | 0x8000u))), -value);
    }
}

// Between two neighbouring halves the middle goes to the even one, and the floats beside the middle to the nearer one.
BOOST_AUTO_TEST_CASE(ties_go_to_even_and_the_rest_to_the_nearest) {
    for (uint16_t low = 0; low < 0x7bffu; ++low) {
        const auto high = uint16_t(low + 1);
        const float middle = (halfToFloat(low) + halfToFloat(high)) / 2;  // exact: floats have 13 more bits
        BOOST_REQUIRE_EQUAL(floatToHalf(middle), (low & 1u) ? high : low);
        BOOST_REQUIRE_EQUAL(floatToHalf(std::nextafter(middle, 0.f)), low);
        BOOST_REQUIRE_EQUAL(floatToHalf(std::nextafter(middle, 1e9f)), high);
    }
}

BOOST_AUTO_TEST_CASE(overflow_begins_at_65520) {
    BOOST_TEST(floatToHalf(65504.f) == 0x7bffu);
    BOOST_TEST(floatToHalf(std::nextafter(65520.f, 0.f)) == 0x7bffu);
    BOOST_TEST(floatToHalf(65520.f) == 0x7c00u);
    BOOST_TEST(floatToHalf(-1e30f) == 0xfc00u);
    BOOST_TEST(floatToHalf(std::numeric_limits<float>::infinity()) == 0x7c00u);
    BOOST_TEST(floatToHalf(1e-30f) == 0u);
    BOOST_TEST(floatToHalf(-1e-30f) == 0x8000u);
    BOOST_TEST(isNan(floatToHalf(std::numeric_limits<float>::quiet_NaN())));
}

// On a machine without F16C both names are one function; with it this compares with the instruction.
BOOST_AUTO_TEST_CASE(portable_and_native_agree_bit_for_bit) {
    for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 251) {  // a prime step: all exponents, odd mantissas
        const float value = floatOf(uint32_t(bits));
        BOOST_REQUIRE_EQUAL(floatToHalfPortable(value), floatToHalf(value));
    }
    for (uint32_t half = 0; half <= 0xffffu; ++half) {
        BOOST_REQUIRE_EQUAL(bitsOf(halfToFloatPortable(uint16_t(half))), bitsOf(halfToFloat(uint16_t(half))));
    }
}

BOOST_AUTO_TEST_CASE(arrays_convert_at_any_address_and_length) {
    std::vector<uint16_t> halves;
    for (uint16_t i = 0; i < 37; ++i) halves.push_back(uint16_t(0x2e66u + 97u * i));
    for (size_t shift = 0; shift < 3; ++shift) {
        for (size_t count = 0; count <= halves.size(); ++count) {
            std::vector<unsigned char> bytes(shift + 2 * count + 1);
            std::memcpy(bytes.data() + shift, halves.data(), 2 * count);
            std::vector<float> floats(count + 1, -1.f);
            halvesToFloats(bytes.data() + shift, count, floats.data());
            for (size_t i = 0; i < count; ++i) BOOST_REQUIRE_EQUAL(floats[i], halfToFloatPortable(halves[i]));
            BOOST_REQUIRE_EQUAL(floats[count], -1.f);
        }
    }
}
