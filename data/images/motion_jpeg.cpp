// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "motion_jpeg.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace cv {
namespace hyperpred {

namespace {

using Bytes = std::vector<uchar>;

void put(Bytes& bytes, const char* text) {
    bytes.insert(bytes.end(), text, text + std::strlen(text));
}
void put(Bytes& bytes, size_t value, int width = 4) {
    for (int i = 0; i < width; ++i) bytes.push_back(uchar(value >> (8 * i)));
}
void put(Bytes& bytes, const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

// A RIFF chunk; `kind` names the contents of a list.
Bytes chunk(const char* name, const Bytes& contents, const char* kind = "") {
    Bytes bytes;
    put(bytes, name);
    put(bytes, contents.size() + std::strlen(kind));
    put(bytes, kind);
    put(bytes, contents);
    if (bytes.size() % 2 != 0) bytes.push_back(0);
    return bytes;
}

const size_t kHasIndex = 0x10, kKeyFrame = 0x10;

Bytes mainHeader(size_t frames, size_t largest, size_t edge, size_t framesASecond) {
    Bytes bytes;
    for (const size_t value : {1000000 / framesASecond, largest * framesASecond, size_t(0), kHasIndex, frames,
                               size_t(0), size_t(1), largest, edge, edge, size_t(0), size_t(0), size_t(0), size_t(0)}) {
        put(bytes, value);
    }
    return chunk("avih", bytes);
}

Bytes streamHeader(size_t frames, size_t largest, size_t edge, size_t framesASecond) {
    Bytes bytes, format;
    put(bytes, "vidsMJPG");
    for (const size_t value : {size_t(0), size_t(0), size_t(0), size_t(1), framesASecond, size_t(0), frames, largest,
                               size_t(0xFFFFFFFF), size_t(0)}) {
        put(bytes, value);
    }
    for (const size_t value : {size_t(0), size_t(0), edge, edge}) put(bytes, value, 2);
    for (const size_t value : {size_t(40), edge, edge}) put(format, value);
    put(format, 1, 2);
    put(format, 24, 2);
    put(format, "MJPG");
    put(format, edge * edge * 3);
    for (int i = 0; i < 4; ++i) put(format, size_t(0));
    Bytes both = chunk("strh", bytes);
    put(both, chunk("strf", format));
    return chunk("LIST", both, "strl");
}

size_t numberAt(const Bytes& bytes, size_t at) {
    size_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | bytes[at + i];
    return value;
}

}  // namespace

Bytes motionJpeg(const std::vector<Bytes>& frames, int edge, int framesASecond) {
    size_t largest = 0;
    for (const Bytes& frame : frames) largest = std::max(largest, frame.size());
    Bytes header = mainHeader(frames.size(), largest, size_t(edge), size_t(framesASecond));
    put(header, streamHeader(frames.size(), largest, size_t(edge), size_t(framesASecond)));
    Bytes movie, index;
    for (const Bytes& frame : frames) {
        put(index, "00dc");
        for (const size_t value : {kKeyFrame, movie.size() + 4, frame.size()}) put(index, value);
        put(movie, chunk("00dc", frame));
    }
    Bytes all = chunk("LIST", header, "hdrl");
    put(all, chunk("LIST", movie, "movi"));
    put(all, chunk("idx1", index));
    return chunk("RIFF", all, "AVI ");
}

std::vector<Bytes> framesOf(const Bytes& avi) {
    std::vector<Bytes> frames;
    const std::string marker = "movi";
    auto at = size_t(std::search(avi.begin(), avi.end(), marker.begin(), marker.end()) - avi.begin()) + marker.size();
    while (at + 8 <= avi.size() && std::memcmp(&avi[at], "00dc", 4) == 0) {
        const size_t length = numberAt(avi, at + 4), begin = at + 8;
        if (length > avi.size() - begin) break;
        frames.emplace_back(avi.begin() + std::ptrdiff_t(begin), avi.begin() + std::ptrdiff_t(begin + length));
        at = begin + length + length % 2;
    }
    return frames;
}

}  // namespace hyperpred
}  // namespace cv
