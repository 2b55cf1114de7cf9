// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SUPPORT_FEATURES_HPP
#define HYPERPRED_SUPPORT_FEATURES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "head.hpp"

namespace cv {
namespace hyperpred {

const char* const kSupportFormat = "hyperpred-support-1";  // "format" in the metadata

// What is left of a support set when a network is done: enough to fit its head again, exactly, without the images. Why
// all features and not their sums: leave-one-out, lambda and the threshold ask for every image, sums of floats cannot
// be taken apart again to the bit, and a class's p x p sums would take more room than its features up to p / 2 images.
struct SupportFeatures {
    std::vector<std::string> classNames;  // C, no two alike
    int listed = 0;  // so many class names have the order they were given in; those behind were added, and are sorted
    HeadKind head = HeadKind::Ridge;
    double rejected = 0.01;
    std::string network;           // 16 digits, "hyperpred.checksum" of the network that was fitted on these features
    uint64_t body = 0;             // contentHash of the network's part that computes the features (onnxBody)
    int columns = 0;               // p
    std::vector<int> labels;       // N, each class has one at least
    std::vector<uint64_t> hashes;  // N, contentHash of the converted pixels
    std::vector<float> rows;       // N x p
};

// Where the support file of a network lies: "net.onnx" -> "net.support".
std::string supportFileOf(const std::string& net);

// A safetensors file with metadata "format": "hyperpred-support-1" (doc/file_formats.md); `path` is for sentences.
std::vector<uint8_t> supportFileBytes(const std::string& path, SupportFeatures support);
// Failure::BadFile or NotFound, with a sentence that names the file and what in it is wrong.
SupportFeatures readSupportFeatures(const std::string& path);

// Failure::OutOfRange where the support file of so many images would be longer than a file may be: known before the
// prediction, which may take hours.
void checkSupportSize(int64_t images, int columns);

// A class name as files hold it: bytes that are no UTF-8 are replaced, since JSON has no place for them.
std::string readableName(const std::string& name);
// Refuses class names of which two are alike or one is empty.
void checkClassNames(const std::vector<std::string>& names);

}  // namespace hyperpred
}  // namespace cv

#endif
