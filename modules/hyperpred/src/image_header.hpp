// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_IMAGE_HEADER_HPP
#define HYPERPRED_IMAGE_HEADER_HPP

#include <cstddef>
#include <cstdint>
#include <string>

namespace cv {
namespace hyperpred {

// What an encoded image says of itself.
struct ImageHeader {
    const char* format = "";
    int64_t width = 0, height = 0;  // as stored, before any EXIF rotation
};

// Walks the structure of an encoded PNG, JPEG, BMP, WebP, TIFF or PNM image without decoding a pixel. The decoders
// behind cv::imdecode fill what is missing with grey and say so on stderr at most, or allocate whatever a header
// claims; here a file that ends early, that claims more pixels than its length can hold or that is of a kind they
// would get wrong is refused: Failure::BadFile, `where` and the reason.
ImageHeader readImageHeader(const uint8_t* bytes, size_t size, const std::string& where);

}  // namespace hyperpred
}  // namespace cv

#endif
