// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE protobuf_reader
#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

#include "protobuf_reader.hpp"
#include "protobuf_writer.hpp"

using namespace cv::hyperpred;

namespace {

using Bytes = std::vector<uint8_t>;

// Number of fields, or the error. `bytes` lies alone on the heap: AddressSanitizer sees one byte too far.
struct Walk {
    std::vector<ProtobufField> fields;
    std::string error;
};
Walk walk(const Bytes& bytes) {
    Walk result;
    ProtobufField field;
    try {
        ProtobufReader reader(bytes.data(), bytes.size(), "here");
        while (reader.next(field)) result.fields.push_back(field);
    } catch (const std::exception& error) {
        result.error = error.what();
    }
    return result;
}

void refused(const Bytes& bytes, const std::string& part) {
    const std::string error = walk(bytes).error;
    BOOST_TEST(error.find("here: is damaged at byte") != std::string::npos, "no place in: " << error);
    BOOST_TEST(error.find(part) != std::string::npos, "expected '" << part << "' in: " << error);
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_what_the_writer_wrote) {
    const Bytes bytes = writeProtobuf([](ProtobufWriter& writer) {
        writer.integer(1, 300);
        writer.integer(2, -1);
        writer.number(3, 1.0f);
        writer.begin(536870911);
        writer.text(1, "inner");
        writer.end();
        writer.text(5, "");
    });
    const Walk result = walk(bytes);
    BOOST_TEST(result.error == "");
    BOOST_TEST_REQUIRE(result.fields.size() == 5u);
    BOOST_TEST(result.fields[0].value == 300u);
    BOOST_TEST(result.fields[1].value == ~uint64_t(0));
    BOOST_TEST(result.fields[2].value == 0x3f800000u);
    BOOST_TEST(!result.fields[2].isBytes);
    BOOST_TEST(result.fields[3].number == 536870911u);
    BOOST_TEST(result.fields[3].isBytes);
    ProtobufReader inner(result.fields[3].data, result.fields[3].size, "inner");
    ProtobufField field;
    BOOST_TEST_REQUIRE(inner.next(field));
    BOOST_TEST(field.text() == "inner");
    BOOST_TEST(!inner.next(field));
    BOOST_TEST(result.fields[4].isBytes);
    BOOST_TEST(result.fields[4].size == 0u);
}

BOOST_AUTO_TEST_CASE(fixed_64_bits_are_little_endian) {
    const Bytes bytes = {0x09, 1, 2, 3, 4, 5, 6, 7, 8};
    const Walk result = walk(bytes);
    BOOST_TEST_REQUIRE(result.fields.size() == 1u);
    BOOST_TEST(result.fields[0].value == 0x0807060504030201u);
}

BOOST_AUTO_TEST_CASE(an_empty_message_has_no_fields) {
    BOOST_TEST(walk({}).error == "");
    BOOST_TEST(walk({}).fields.empty());
}

BOOST_AUTO_TEST_CASE(violations_are_refused) {
    refused({0x08}, "ends inside a number");
    refused({0x08, 0x80}, "ends inside a number");
    refused({0x0d, 1, 2, 3}, "ends inside a number");
    refused({0x09, 1, 2, 3, 4, 5, 6, 7}, "ends inside a number");
    refused({0x12, 0x01}, "a field of 1 bytes where 0 are left");
    refused({0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 'x'}, "where 1 are left");
    refused({0x00, 0x01}, "field number 0");
    refused({0x0b}, "wire type 3");
    refused({0x0c}, "wire type 4");
    refused({0x0e}, "wire type 6");
    refused({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, "more than 64 bits");
    refused({0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "more than 64 bits");
    refused({0x80, 0x80, 0x80, 0x80, 0x10, 0x00}, "field number");
}

// Random bytes: it ends, with fields inside the buffer or an error.
BOOST_AUTO_TEST_CASE(any_bytes_are_walked_within_their_bounds) {
    std::mt19937 draw(1);
    for (int round = 0; round < 20000; ++round) {
        Bytes bytes(draw() % 40);
        for (uint8_t& byte : bytes) byte = uint8_t(draw() % 3 ? draw() % 32 : draw());
        for (const ProtobufField& field : walk(bytes).fields) {
            if (!field.isBytes) continue;
            BOOST_TEST_REQUIRE(field.data >= bytes.data());
            BOOST_TEST_REQUIRE(field.data + field.size <= bytes.data() + bytes.size());
        }
    }
}
