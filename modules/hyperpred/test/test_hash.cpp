// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE hash
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <set>
#include <vector>

#include "hash.hpp"

using namespace cv::hyperpred;

namespace {

std::vector<unsigned char> ramp(size_t size) {
    std::vector<unsigned char> bytes(size + 1);  // one more: data() is never null
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i * 37 + 11);
    return bytes;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_single_bit_flip_changes_the_hash) {
    for (size_t size = 0; size <= 67; ++size) {
        std::vector<unsigned char> bytes = ramp(size);
        const uint64_t whole = contentHash(bytes.data(), size);
        for (size_t bit = 0; bit < 8 * size; ++bit) {
            bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
            BOOST_REQUIRE_NE(contentHash(bytes.data(), size), whole);
            bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
        }
        BOOST_REQUIRE_EQUAL(contentHash(bytes.data(), size), whole);
    }
}

BOOST_AUTO_TEST_CASE(length_and_seed_count) {
    const std::vector<unsigned char> zeros(70, 0);
    std::set<uint64_t> seen;
    for (size_t size = 0; size < zeros.size(); ++size) {
        for (uint64_t seed = 0; seed < 5; ++seed) {
            BOOST_REQUIRE(seen.insert(contentHash(zeros.data(), size, seed)).second);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_address_does_not_count) {
    const std::vector<unsigned char> bytes = ramp(53);
    for (size_t shift = 1; shift < 8; ++shift) {
        std::vector<unsigned char> moved(shift, 0xee);
        moved.insert(moved.end(), bytes.begin(), bytes.end());
        BOOST_TEST(contentHash(moved.data() + shift, 53) == contentHash(bytes.data(), 53));
    }
}

// A flipped input bit changes about half of the output bits: 26..38 of 64 on average over all input bits.
BOOST_AUTO_TEST_CASE(a_flipped_bit_spreads) {
    std::vector<unsigned char> bytes = ramp(40);
    const uint64_t whole = contentHash(bytes.data(), 40);
    int changed = 0;
    for (size_t bit = 0; bit < 320; ++bit) {
        bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
        changed += __builtin_popcountll(contentHash(bytes.data(), 40) ^ whole);
        bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
    }
    BOOST_TEST(changed > 26 * 320);
    BOOST_TEST(changed < 38 * 320);
}
