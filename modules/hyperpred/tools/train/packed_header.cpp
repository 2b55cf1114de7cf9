// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "packed_header.hpp"

#include <istream>

#include "error.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

const std::string kMagic = "HPPACK01";
const size_t kLengthBytes = 4;
const uint32_t kMaxHeader = 16u << 20;
const int kMaxImages = 100000000;

std::string nameOf(const std::string& path) {
    return "packed file \"" + path + "\"";
}

[[noreturn]] void refuse(const std::string& path, const std::string& sentence) {
    fail(Failure::BadFile, nameOf(path) + ": " + sentence);
}

std::string readText(std::istream& in, const std::string& path, uint64_t fileBytes) {
    std::string magic(kMagic.size(), '\0');
    unsigned char bytes[kLengthBytes] = {};
    in.read(&magic[0], std::streamsize(magic.size()));
    in.read(reinterpret_cast<char*>(bytes), kLengthBytes);
    if (!in || magic != kMagic) refuse(path, "does not begin with " + kMagic);
    const uint32_t length =
        uint32_t(bytes[0]) | uint32_t(bytes[1]) << 8 | uint32_t(bytes[2]) << 16 | uint32_t(bytes[3]) << 24;
    if (length > kMaxHeader || uint64_t(length) + kMagic.size() + kLengthBytes > fileBytes) {
        refuse(path, "its header is longer than the file");
    }
    std::string text(length, '\0');
    if (!in.read(&text[0], std::streamsize(length))) refuse(path, "cannot be read to the end of its header");
    return text;
}

}  // namespace

PackedHeader readPackedHeader(std::istream& in, const std::string& path, uint64_t fileBytes) {
    const std::string text = readText(in, path, fileBytes), where = nameOf(path) + ", header";
    const Json json = readStrictJson(text, 8, where);
    requireObject(json, where);
    refuseUnknownKeys(json, {"size", "count", "classes"}, where);
    PackedHeader header;
    header.size = integerAt(json, "size", 8, 1024, where);
    header.count = integerAt(json, "count", 1, kMaxImages, where);
    for (const Json& name : arrayAt(json, "classes", where)) {
        if (!name.is_string()) fail(Failure::BadFile, where + ": a class name must be a string, is " + kindOf(name));
        header.classNames.push_back(name.get<std::string>());
    }
    const auto edge = uint64_t(header.size);
    const uint64_t expected =
        kMagic.size() + kLengthBytes + text.size() + uint64_t(header.count) * (4 + edge * edge * 3);
    if (expected != fileBytes) {
        refuse(path, "has " + std::to_string(fileBytes) + " bytes, its header promises " + std::to_string(expected));
    }
    return header;
}

void checkPackedLabels(const int32_t* labels, const PackedHeader& header, const std::string& path) {
    for (int i = 0; i < header.count; ++i) {
        if (labels[i] >= 0 && size_t(labels[i]) < header.classNames.size()) continue;
        refuse(path, "image " + std::to_string(i) + " has the label " + std::to_string(labels[i]) +
                         "; a label is below "
                         "the number of classes, which is " +
                         std::to_string(header.classNames.size()));
    }
}

std::string packedHeaderBytes(const PackedHeader& header) {
    const std::string text = Json{{"size", header.size}, {"count", header.count}, {"classes", header.classNames}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
    std::string bytes = kMagic;
    for (size_t i = 0; i < kLengthBytes; ++i) bytes += char(uint8_t(text.size() >> (8 * i)));
    return bytes + text;
}

}  // namespace hyperpred
}  // namespace cv
