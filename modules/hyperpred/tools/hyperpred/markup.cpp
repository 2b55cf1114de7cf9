// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "markup.hpp"

#include <cstdint>
#include <cstdio>

#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

const char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD
const size_t kShownFile = 60;                // characters

// U+2400 + byte for C0, U+2421 for DEL.
std::string controlPicture(uint8_t byte) {
    return std::string("\xE2\x90") + char(byte == 0x7F ? 0xA1 : 0x80 + byte);
}

void appendAscii(std::string& out, char c) {
    switch (c) {
        case '&': out += "&amp;"; return;
        case '<': out += "&lt;"; return;
        case '>': out += "&gt;"; return;
        case '"': out += "&quot;"; return;
        case '\'': out += "&#39;"; return;
        default: break;
    }
    const auto byte = uint8_t(c);
    if (byte < 0x20 || byte == 0x7F) {
        out += controlPicture(byte);
    } else {
        out += c;
    }
}

// Bytes of the character at `at`; a byte that begins none counts as one.
size_t step(const std::string& text, size_t at) {
    const size_t length = utf8Length(text, at);
    return length == 0 ? 1 : length;
}

}  // namespace

std::string escaped(const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); at += step(text, at)) {
        const size_t length = utf8Length(text, at);
        const bool upperControl = length == 2 && uint8_t(text[at]) == 0xC2 && uint8_t(text[at + 1]) < 0xA0;
        if (length == 0 || upperControl) {
            out += kReplacement;
        } else if (length == 1) {
            appendAscii(out, text[at]);
        } else {
            out.append(text, at, length);
        }
    }
    return out;
}

std::string isolated(const std::string& name) {
    return "<bdi>" + escaped(name) + "</bdi>";
}

std::string shortened(const std::string& text, size_t most) {
    size_t characters = 0;
    for (size_t at = 0; at < text.size(); at += step(text, at)) ++characters;
    if (characters <= most) return text;
    const size_t head = most / 2, tail = most - head - 1;
    std::string out;
    size_t index = 0;
    for (size_t at = 0; at < text.size(); at += step(text, at), ++index) {
        if (index == head) out += "\xE2\x80\xA6";  // ellipsis
        if (index < head || index >= characters - tail) out.append(text, at, step(text, at));
    }
    return out;
}

std::string shownFile(const std::string& path) {
    const size_t name = path.rfind('/');
    const size_t folder = name == std::string::npos || name == 0 ? std::string::npos : path.rfind('/', name - 1);
    return shortened(folder == std::string::npos ? path : path.substr(folder + 1), kShownFile);
}

std::string formatted(double value, const char* format) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

std::string percent(double share) {
    return formatted(100 * share, "%.1f\xC2\xA0%%");
}

std::string counted(size_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace hyperpred
}  // namespace cv
