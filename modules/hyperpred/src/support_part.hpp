// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SUPPORT_PART_HPP
#define HYPERPRED_SUPPORT_PART_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model_file.hpp"

namespace cv {
namespace hyperpred {

const char* const kPartFormat = "hyperpred-part-1";  // "format" in the metadata

// A share of a list of labelled files, read and converted: what predicting needs of it when the files are elsewhere.
// Files are dealt out in turn: part k of n has those whose position in the list is k - 1 modulo n.
struct SupportPart {
    struct File {
        uint64_t position = 0;  // in the list
        int label = 0;
        std::string path;
    };
    int size = 0;                         // edge of the converted images, px
    int number = 1, count = 1;            // this is part `number` of 1..count
    std::string list;                     // 16 digits: hash of the list of files, which its parts share
    std::vector<std::string> classNames;  // of the whole list
    std::vector<File> files;              // ascending positions, converted in this order
    std::vector<std::pair<uint64_t, std::string>> skipped;  // position, why: files that could not be read
    std::vector<std::string> leftOut;                       // sentences about what did not get into the list
};

// Failure::OutOfRange where the images of so many files would not fit into a part: known before they are read, which
// may take hours.
void checkPartSize(const SupportPart& part, size_t files);

// `pixels`: files x size x size x 3 bytes, BGR. A safetensors file with metadata "format": "hyperpred-part-1"
// (doc/file_formats.md), written atomically.
void writeSupportPart(const std::string& path, const SupportPart& part, std::vector<uint8_t> pixels);

// A part with its pixels where they lie in the file.
struct OpenedPart {
    std::string path;
    SupportPart part;
    ModelFile file;
    const uint8_t* pixels = nullptr;
};
// Failure::BadFile or NotFound, with a sentence that names the file and what in it is wrong.
OpenedPart openSupportPart(const std::string& path);

// Where the images of one list lie in its parts, in the order of the list.
struct PartedImage {
    size_t part = 0, index = 0;  // part: of the opened ones
};
// All parts as the one set that they were dealt from: classes by name, files in the order of the list. The parts of
// several lists, complete each, are put together as if their folders had been one; their classes are sorted then.
struct WholeSupport {
    std::vector<std::string> classNames;
    std::vector<PartedImage> images;
    std::vector<int> labels;
    std::vector<std::string> paths, skipped;
};
// Failure::BadArgument with a sentence that names the files where a part is missing or there twice, where sizes differ.
WholeSupport putTogether(const std::vector<OpenedPart>& parts, int size);

}  // namespace hyperpred
}  // namespace cv

#endif
