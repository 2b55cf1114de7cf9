// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "protobuf_reader.hpp"

#include "error.hpp"

namespace cv {
namespace hyperpred {

bool ProtobufReader::next(ProtobufField& field) {
    if (at_ == end_) return false;
    const uint64_t key = varint();
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) damaged("field number " + std::to_string(key >> 3));
    field = ProtobufField();
    field.number = uint32_t(key >> 3);
    switch (key & 7) {
        case 0: field.value = varint(); return true;
        case 1: field.value = fixed(8); return true;
        case 5: field.value = fixed(4); return true;
        case 2: break;
        default: damaged("wire type " + std::to_string(key & 7));
    }
    const uint64_t size = varint();
    if (size > left()) {
        damaged("a field of " + std::to_string(size) + " bytes where " + std::to_string(left()) + " are left");
    }
    field.isBytes = true;
    field.data = at_;
    field.size = size_t(size);
    at_ += size;
    return true;
}

uint64_t ProtobufReader::varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (at_ == end_) damaged("it ends inside a number");
        const uint64_t byte = *at_++;
        if (shift == 63 && byte > 1) damaged("a number of more than 64 bits");
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    damaged("a number of more than 64 bits");
}

uint64_t ProtobufReader::fixed(size_t size) {
    if (size > left()) damaged("it ends inside a number");
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t(*at_++) << (8 * i);
    return value;
}

void ProtobufReader::damaged(const std::string& how) const {
    fail(Failure::BadFile, where_ + ": is damaged at byte " + std::to_string(at_ - begin_) + ": " + how);
}

}  // namespace hyperpred
}  // namespace cv
