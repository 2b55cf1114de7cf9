// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "quoted_path.hpp"

#include <cstdint>

namespace cv {
namespace hyperpred {

namespace {

std::string escaped(uint8_t byte) {
    const char* digits = "0123456789ABCDEF";
    if (byte == '\n') return "\\n";
    if (byte == '\r') return "\\r";
    if (byte == '\t') return "\\t";
    return std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
}

}  // namespace

size_t utf8Length(const std::string& text, size_t at) {
    const auto byte = [&](size_t i) { return at + i < text.size() ? uint8_t(text[at + i]) : uint8_t(0); };
    const uint8_t first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < low || byte(1) > high) return 0;
    for (size_t i = 2; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    return length;
}

std::string quotedPath(const std::string& path) {
    std::string quoted = "\"";
    for (size_t at = 0; at < path.size();) {
        const size_t length = utf8Length(path, at);
        const auto byte = uint8_t(path[at]);
        // U+0080 to U+009F are control characters too: some terminals act on them.
        const bool upperControl = byte == 0xC2 && length == 2 && uint8_t(path[at + 1]) < 0xA0;
        const bool control = byte < 0x20 || byte == 0x7F || upperControl;
        if (length == 0 || control) {
            for (size_t i = 0; i < (length == 0 ? 1 : length); ++i) quoted += escaped(uint8_t(path[at + i]));
        } else {
            if (byte == '"' || byte == '\\') quoted += '\\';
            quoted.append(path, at, length);
        }
        at += length == 0 ? 1 : length;
    }
    return quoted + "\"";
}

}  // namespace hyperpred
}  // namespace cv
