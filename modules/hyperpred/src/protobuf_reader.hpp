// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_PROTOBUF_READER_HPP
#define HYPERPRED_PROTOBUF_READER_HPP

#include <cstddef>
#include <cstdint>
#include <string>

namespace cv {
namespace hyperpred {

// One field of a message. A message inside is a field of bytes, to be given to a reader of its own.
struct ProtobufField {
    uint32_t number = 0;
    bool isBytes = false;           // else a number, in `value`
    uint64_t value = 0;             // varint, or the bits of a fixed 32- or 64-bit number
    const uint8_t* data = nullptr;  // into the reader's bytes
    size_t size = 0;

    std::string text() const { return std::string(reinterpret_cast<const char*>(data), size); }
};

// Walks the fields of a message in memory, never past its end and without allocating. Every violation of the wire
// format throws Failure::BadFile, the sentence opened by `where`. Groups, abolished before ONNX was, are refused.
class ProtobufReader {
public:
    ProtobufReader(const uint8_t* data, size_t size, const std::string& where)
        : begin_(data), at_(data), end_(data + size), where_(where) {}

    bool next(ProtobufField& field);  // false at the end

private:
    uint64_t varint();
    uint64_t fixed(size_t size);
    size_t left() const { return size_t(end_ - at_); }
    [[noreturn]] void damaged(const std::string& how) const;

    const uint8_t* const begin_;
    const uint8_t* at_;
    const uint8_t* const end_;
    const std::string where_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
