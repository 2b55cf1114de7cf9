// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "protobuf_writer.hpp"

#include "error.hpp"

// Floats go to the file as they lie in memory: swapping bytes one by one would cost as much as the rest of a file.
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "hyperpred writes and reads its files on little-endian machines only"
#endif

namespace cv {
namespace hyperpred {

namespace {

const uint32_t kVarint = 0, kLengthDelimited = 2, kFixed32 = 5;  // wire types

// Writes `value` to `out` (at most 10 bytes), returns its length.
size_t encodeVarint(uint64_t value, uint8_t* out) {
    size_t length = 0;
    while (value >= 0x80) {
        out[length++] = uint8_t(value | 0x80);
        value >>= 7;
    }
    out[length++] = uint8_t(value);
    return length;
}

}  // namespace

void ProtobufWriter::integer(uint32_t field, int64_t value) {
    key(field, kVarint);
    varint(uint64_t(value));
}

void ProtobufWriter::number(uint32_t field, float value) {
    key(field, kFixed32);
    append(reinterpret_cast<const uint8_t*>(&value), sizeof value);
}

void ProtobufWriter::text(uint32_t field, const std::string& value) {
    raw(field, value.data(), value.size());
}

void ProtobufWriter::raw(uint32_t field, const void* data, size_t size) {
    key(field, kLengthDelimited);
    varint(size);
    append(static_cast<const uint8_t*>(data), size);
}

void ProtobufWriter::raw(const std::vector<uint8_t>& fields) {
    append(fields.data(), fields.size());
}

void ProtobufWriter::begin(uint32_t field) {
    key(field, kLengthDelimited);
    open_.push_back(begun_);
    if (measuring_) {
        messages_.push_back({size_, 0});
    } else {
        varint(messages_.at(begun_).length);
    }
    ++begun_;
}

void ProtobufWriter::end() {
    if (open_.empty()) fail(Failure::Internal, "protobuf writer: end() without begin()");
    if (measuring_) {
        Message& message = messages_[open_.back()];
        message.length = size_ - message.start;
        varint(message.length);  // stands before the contents; to measure, the place does not matter
    }
    open_.pop_back();
}

void ProtobufWriter::key(uint32_t field, uint32_t wireType) {
    varint(uint64_t(field) << 3 | wireType);
}

void ProtobufWriter::varint(uint64_t value) {
    uint8_t buffer[10];
    append(buffer, encodeVarint(value, buffer));
}

void ProtobufWriter::append(const uint8_t* data, size_t size) {
    size_ += size;
    if (!measuring_) bytes_.insert(bytes_.end(), data, data + size);
}

void ProtobufWriter::startWriting() {
    if (!open_.empty()) fail(Failure::Internal, "protobuf writer: begin() without end()");
    bytes_.reserve(size_);
    measuring_ = false;
    size_ = begun_ = 0;
}

std::vector<uint8_t> writeProtobuf(const std::function<void(ProtobufWriter&)>& write) {
    ProtobufWriter writer;
    write(writer);
    const size_t measured = writer.size_;
    if (measured > kMaxProtobufBytes) {
        fail(Failure::OutOfRange, "the network would be a file of " + std::to_string(measured) +
                                      " bytes; ONNX files end at " + std::to_string(kMaxProtobufBytes));
    }
    writer.startWriting();
    write(writer);
    if (writer.size_ != measured) fail(Failure::Internal, "protobuf writer: the second pass differs from the first");
    return std::move(writer.bytes_);
}

}  // namespace hyperpred
}  // namespace cv
