// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <vector>

#include "image_header.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

// Any bytes are an image of a known kind with pixels in it, or refused; and what follows a whole image changes nothing
// of what it says.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ImageHeader header;
    try {
        header = readImageHeader(data, size, "fuzz.image");
    } catch (const cv::Exception& error) {
        checkRefusal(error, "fuzz.image");
        return 0;
    }
    if (header.width < 1 || header.height < 1) finding("an image without pixels");
    std::vector<uint8_t> longer(data, data + size);
    longer.resize(size + 64);
    const ImageHeader same = readImageHeader(longer.data(), longer.size(), "longer.image");
    if (same.format != std::string(header.format) || same.width != header.width || same.height != header.height) {
        finding("another image with zeros after it");
    }
    return 0;
}
