// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_PROTOBUF_WRITER_HPP
#define HYPERPRED_PROTOBUF_WRITER_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Protocol Buffers wire format, as much as an ONNX file needs: fields in the order of the calls, shortest varints.
// The length of a message stands before its contents, so writeProtobuf() runs the calls twice: a first time to measure.
// That way a network's weights are copied once, into a buffer of the right size.
class ProtobufWriter {
public:
    void integer(uint32_t field, int64_t value);
    void number(uint32_t field, float value);
    void text(uint32_t field, const std::string& value);
    // Bytes as they stand: the numbers of a tensor's raw_data, or a message that was read.
    void raw(uint32_t field, const void* data, size_t size);

    // Fields that are written already.
    void raw(const std::vector<uint8_t>& fields);

    // A message inside: what is written between begin and end, calls nested at will.
    void begin(uint32_t field);
    void end();

private:
    friend std::vector<uint8_t> writeProtobuf(const std::function<void(ProtobufWriter&)>& write);

    struct Message {
        size_t start = 0;  // in the measuring pass, without the lengths of the messages around it
        size_t length = 0;
    };

    void key(uint32_t field, uint32_t wireType);
    void varint(uint64_t value);
    void append(const uint8_t* data, size_t size);
    void startWriting();

    bool measuring_ = true;
    size_t size_ = 0;  // written, or measured
    std::vector<uint8_t> bytes_;
    std::vector<Message> messages_;  // in the order of their begin()
    std::vector<size_t> open_;       // of messages_
    size_t begun_ = 0;
};

const size_t kMaxProtobufBytes = (size_t(1) << 31) - 1;  // of a message: its readers refuse longer ones

// The bytes that the calls in `write` describe; `write` must make the same calls both times. Failure::OutOfRange where
// they would be more than kMaxProtobufBytes, before any is written.
std::vector<uint8_t> writeProtobuf(const std::function<void(ProtobufWriter&)>& write);

}  // namespace hyperpred
}  // namespace cv

#endif
