// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CLASSIFIER_HPP
#define HYPERPRED_CLASSIFIER_HPP

#include <cstdint>
#include <map>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// What a predicted network says of one image.
struct Answer {
    int label = 0;
    float familiarity = 0;             // the greatest of the classes
    bool unknown = false;              // the familiarity is below the threshold
    std::vector<float> probabilities;  // C
};

// What travels with a net in ONNX metadata_props (keys: doc/file_formats.md).
struct NetDescription {
    std::vector<std::string> classNames;
    int size = 0;         // input edge
    float threshold = 0;  // of the greatest familiarity
    std::string report;   // JSON of what was predicted, only read; empty where a file has none
};
std::map<std::string, std::string> toMetadata(const NetDescription& description);
// Throws Failure::BadFile naming `origin` and the key that is missing or malformed.
NetDescription parseMetadata(const std::map<std::string, std::string>& metadata, const std::string& origin);

// Objects of metadata (report, architecture) that nest deeper are none: whoever copies or prints them goes down as far.
const size_t kMetadataNesting = 32;
// Whether a text is strict JSON (strict_json.hpp) and such an object.
bool isMetadataObject(const std::string& text);

// The bytes of an ONNX file, at most kMaxProtobufBytes. Throws Failure::NotFound or BadFile naming the path.
std::vector<uint8_t> readOnnxFile(const std::string& path);

// A ready network with its description: converts images the way the support set was converted, forwards them in
// batches and applies the threshold. Not thread-safe: cv::dnn::Net keeps state.
class Classifier {
public:
    Classifier(cv::dnn::Net net, NetDescription description);
    // Reads an ONNX file that hyperpred wrote and checks its checksum. Files of half or int8 weights are computed in
    // float arithmetic, with the rounding that they ask for: the same answers, no gain in speed.
    static Classifier open(const std::string& onnxPath);

    const NetDescription& description() const;
    // `names` (may be empty) name the images in errors.
    std::vector<Answer> classify(const std::vector<cv::Mat>& images, const std::vector<std::string>& names = {});

private:
    cv::dnn::Net net_;
    NetDescription description_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
