// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cstring>
#include <sstream>

#include "packed_header.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

// Any bytes are a packed file whose header promises just what is there and survives writing, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
    PackedHeader header;
    try {
        header = readPackedHeader(in, "fuzz.pack", size);
        const size_t begin = size_t(in.tellg()), images = size_t(header.count), edge = size_t(header.size);
        if (begin + images * (4 + edge * edge * 3) != size) finding("images that are not there");
        std::vector<int32_t> labels(images);
        std::memcpy(labels.data(), data + begin, images * 4);
        checkPackedLabels(labels.data(), header, "fuzz.pack");
        for (const int32_t label : labels) {
            if (label < 0 || size_t(label) >= header.classNames.size()) finding("a label outside the classes");
        }
    } catch (const cv::Exception& error) {
        checkRefusal(error, "packed file \"fuzz.pack\"");
        return 0;
    }
    const std::string written = packedHeaderBytes(header);
    std::istringstream again(written);
    const size_t images = size_t(header.count) * (4 + size_t(header.size) * size_t(header.size) * 3);
    const PackedHeader same = readPackedHeader(again, "again.pack", written.size() + images);
    if (same.size != header.size || same.count != header.count || same.classNames != header.classNames) {
        finding("changed by writing");
    }
    return 0;
}
