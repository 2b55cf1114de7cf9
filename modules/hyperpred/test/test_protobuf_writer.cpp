// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE protobuf_writer
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <limits>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "protobuf_writer.hpp"

using namespace cv::hyperpred;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes integerBytes(uint32_t field, int64_t value) {
    return writeProtobuf([=](ProtobufWriter& writer) { writer.integer(field, value); });
}

}  // namespace

// Examples of the Protocol Buffers documentation, "Encoding", and the ends of the ranges.
BOOST_AUTO_TEST_CASE(integers_are_shortest_varints) {
    BOOST_TEST(integerBytes(1, 150) == (Bytes{0x08, 0x96, 0x01}));
    BOOST_TEST(integerBytes(1, 0) == (Bytes{0x08, 0x00}));
    BOOST_TEST(integerBytes(1, 127) == (Bytes{0x08, 0x7f}));
    BOOST_TEST(integerBytes(1, 128) == (Bytes{0x08, 0x80, 0x01}));
    BOOST_TEST(integerBytes(16, 1) == (Bytes{0x80, 0x01, 0x01}));
    const Bytes ones = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    BOOST_TEST(integerBytes(1, -1) == ones);
    BOOST_TEST(integerBytes(1, std::numeric_limits<int64_t>::max()).size() == 10u);
}

BOOST_AUTO_TEST_CASE(text_floats_and_messages) {
    const float floats[] = {-2.0f, 0.0f};
    const Bytes found = writeProtobuf([&](ProtobufWriter& writer) {
        writer.text(2, "testing");
        writer.number(3, 1.0f);
        writer.begin(4);
        writer.integer(1, 150);
        writer.begin(5);
        writer.end();
        writer.end();
        writer.raw(6, floats, sizeof floats);
    });
    const Bytes expected = {0x12, 0x07, 't',  'e',  's',  't',  'i',  'n',  'g',  0x1d, 0x00,
                            0x00, 0x80, 0x3f, 0x22, 0x05, 0x08, 0x96, 0x01, 0x2a, 0x00, 0x32,
                            0x08, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x00};
    BOOST_TEST(found == expected);
}

// A message and a text of the same bytes look the same on the wire, whatever the length of their length.
BOOST_AUTO_TEST_CASE(messages_have_the_length_of_their_contents) {
    for (const size_t size : {size_t(120), size_t(125), size_t(126), size_t(128), size_t(16380), size_t(20000)}) {
        const std::string text(size, 'x');
        const auto inner = [&](ProtobufWriter& writer) { writer.text(2, text); };
        const auto outer = [&](ProtobufWriter& writer) {
            writer.begin(4);
            inner(writer);
            writer.end();
            inner(writer);
        };
        const Bytes innerBytes = writeProtobuf(inner), outerBytes = writeProtobuf(outer);
        const Bytes found = writeProtobuf([&](ProtobufWriter& writer) {
            writer.begin(1);
            outer(writer);
            writer.end();
            writer.integer(3, 7);
        });
        const Bytes expected = writeProtobuf([&](ProtobufWriter& writer) {
            writer.text(1, std::string(outerBytes.begin(), outerBytes.end()));
            writer.integer(3, 7);
        });
        BOOST_TEST(found == expected);
        const Bytes single = writeProtobuf([&](ProtobufWriter& writer) {
            writer.text(4, std::string(innerBytes.begin(), innerBytes.end()));
            inner(writer);
        });
        BOOST_TEST(outerBytes == single);
    }
}

BOOST_AUTO_TEST_CASE(many_floats_are_written_whole) {
    for (const size_t count : {size_t(0), size_t(1), size_t(1023), size_t(1024), size_t(1025), size_t(5000)}) {
        std::vector<float> values(count);
        for (size_t i = 0; i < count; ++i) values[i] = float(i) * 0.37f - 100;
        const Bytes bytes =
            writeProtobuf([&](ProtobufWriter& writer) { writer.raw(1, values.data(), 4 * values.size()); });
        BOOST_TEST_REQUIRE(bytes.size() > 4 * count);
        for (size_t i = 0; i < count; ++i) {
            uint32_t word = 0, expected;
            for (size_t b = 4; b-- > 0;) word = word << 8 | bytes[bytes.size() - 4 * (count - i) + b];
            std::memcpy(&expected, &values[i], sizeof expected);
            BOOST_TEST_REQUIRE(word == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(begin_and_end_must_pair) {
    BOOST_CHECK_THROW(writeProtobuf([](ProtobufWriter& writer) { writer.begin(1); }), std::exception);
    BOOST_CHECK_THROW(writeProtobuf([](ProtobufWriter& writer) { writer.end(); }), std::exception);
}

BOOST_AUTO_TEST_CASE(both_passes_must_agree) {
    int pass = 0;
    BOOST_CHECK_THROW(writeProtobuf([&](ProtobufWriter& writer) { writer.text(1, std::string(size_t(++pass), 'x')); }),
                      std::exception);
}

BOOST_AUTO_TEST_CASE(what_no_reader_takes_is_refused_before_it_is_written) {
    const uint8_t byte = 0;
    const auto write = [&](ProtobufWriter& writer) {  // measured, the bytes are not touched
        writer.begin(7);
        writer.raw(5, &byte, kMaxProtobufBytes);
        writer.end();
    };
    BOOST_CHECK_EXCEPTION(writeProtobuf(write), cv::Exception, [](const cv::Exception& error) {
        return error.code == cv::Error::StsOutOfRange &&
               error.err.find("a file of 2147483659 bytes; ONNX files end at 2147483647") != std::string::npos;
    });
}
