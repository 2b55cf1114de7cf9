// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_PACKED_HEADER_HPP
#define HYPERPRED_TRAIN_PACKED_HEADER_HPP

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// What stands before the labels and pixels of a packed file (layout: doc/training.md). Knows nothing of libtorch, so
// that the fuzzer can judge it.
struct PackedHeader {
    int size = 0;   // edge of the images in pixels, 8..1,024
    int count = 0;  // images, 1..100,000,000
    std::vector<std::string> classNames;
};

// Reads up to the first label. The length of the file must be exactly what the header promises, so that nothing is
// allocated for images that are not there. Failure::BadFile with the path.
PackedHeader readPackedHeader(std::istream& in, const std::string& path, uint64_t fileBytes);
// Failure::BadFile with the first label that is outside the classes.
void checkPackedLabels(const int32_t* labels, const PackedHeader& header, const std::string& path);
// The bytes that readPackedHeader reads.
std::string packedHeaderBytes(const PackedHeader& header);

}  // namespace hyperpred
}  // namespace cv

#endif
