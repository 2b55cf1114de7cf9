// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "classifier.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "error.hpp"
#include "images.hpp"
#include "net_onnx.hpp"
#include "onnx_expansion.hpp"
#include "protobuf_writer.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kBatch = 16;  // cv::dnn gains nothing from more

const std::string& metadataValue(const std::map<std::string, std::string>& metadata, const std::string& key,
                                 const std::string& origin) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) {
        fail(Failure::BadFile,
             quotedPath(origin) + ": metadata \"" + key + "\" is missing: not a network of hyperpred");
    }
    return found->second;
}

// Streams write and read numbers as the program's locale has them, where -1.5 may be -1,5: these two never do.
std::string numberText(float value) {
    char digits[32];
    const auto written = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 9);
    return std::string(digits, written.ptr);
}

bool readNumber(const std::string& text, float& value) {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return read.ec == std::errc() && read.ptr == end && std::isfinite(value);
}

}  // namespace

bool isMetadataObject(const std::string& text) {
    try {
        return readStrictJson(text, kMetadataNesting, "metadata").is_object();
    } catch (const cv::Exception&) {
        return false;
    }
}

std::vector<uint8_t> readOnnxFile(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        fail(Failure::BadFile, quotedPath(path) + ": is a folder, not a network");
    }
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) fail(Failure::NotFound, quotedPath(path) + ": cannot be opened");
    const std::streamoff length = in.tellg();
    if (length < 1 || size_t(length) > kMaxProtobufBytes) {
        fail(Failure::BadFile, quotedPath(path) + ": " + std::to_string(length) + " bytes; a network has 1.." +
                                   std::to_string(kMaxProtobufBytes));
    }
    std::vector<uint8_t> bytes(size_t(length), 0);
    in.seekg(0);
    in.read(reinterpret_cast<char*>(bytes.data()), length);
    if (in.gcount() != length) fail(Failure::BadFile, quotedPath(path) + ": cannot be read to its end");
    return bytes;
}

std::map<std::string, std::string> toMetadata(const NetDescription& description) {
    nlohmann::json preprocessing = {{"size", description.size}, {"resize", "area when shrinking, cubic when enlarging"},
                                    {"channels", "RGB"},        {"range", "0..255"},
                                    {"layout", "NCHW"},         {"crop", false}};
    // Bytes of a class name that are no UTF-8 (folder names may hold any) are replaced: JSON has no place for them.
    const auto lenient = nlohmann::json::error_handler_t::replace;
    return {{"hyperpred.classes", nlohmann::json(description.classNames).dump(-1, ' ', false, lenient)},
            {"hyperpred.threshold", numberText(description.threshold)},
            {"hyperpred.preprocessing", preprocessing.dump()}};
}

NetDescription parseMetadata(const std::map<std::string, std::string>& metadata, const std::string& origin) {
    NetDescription description;
    const std::string& classes = metadataValue(metadata, "hyperpred.classes", origin);
    const std::string& threshold = metadataValue(metadata, "hyperpred.threshold", origin);
    const std::string& preprocessing = metadataValue(metadata, "hyperpred.preprocessing", origin);
    try {
        description.classNames = nlohmann::json::parse(classes).get<std::vector<std::string>>();
        description.size = nlohmann::json::parse(preprocessing).at("size").get<int>();
    } catch (const nlohmann::json::exception& error) {
        fail(Failure::BadFile,
             quotedPath(origin) + ": metadata hyperpred.classes or hyperpred.preprocessing: " + error.what());
    }
    if (!readNumber(threshold, description.threshold)) {
        fail(Failure::BadFile,
             quotedPath(origin) + ": metadata hyperpred.threshold is " + inQuotes(threshold) + ", not a finite number");
    }
    if (description.classNames.size() < 2 || description.size < 8 || description.size > 1024) {
        fail(Failure::BadFile, quotedPath(origin) + ": metadata name " + std::to_string(description.classNames.size()) +
                                   " classes and size " + std::to_string(description.size) +
                                   "; at least 2 classes and 8..1024 pixels are expected");
    }
    const auto report = metadata.find("hyperpred.report");
    if (report != metadata.end() && isMetadataObject(report->second)) description.report = report->second;
    return description;
}

Classifier::Classifier(cv::dnn::Net net, NetDescription description)
    : net_(std::move(net)), description_(std::move(description)) {}

Classifier Classifier::open(const std::string& onnxPath) {
    std::vector<uint8_t> bytes = readOnnxFile(onnxPath);
    const std::map<std::string, std::string> metadata = readOnnxMetadata(bytes, onnxPath);
    const NetDescription description = parseMetadata(metadata, onnxPath);
    if (metadata.count(kOnnxFormatKey) > 0) bytes = expandOnnx(bytes, onnxPath);
    return Classifier(cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(bytes.data()), bytes.size()), description);
}

const NetDescription& Classifier::description() const {
    return description_;
}

std::vector<Answer> Classifier::classify(const std::vector<cv::Mat>& images, const std::vector<std::string>& names) {
    std::vector<Answer> answers;
    const int size = description_.size;
    const auto classes = description_.classNames.size();
    const auto nameOf = [&](size_t i) {
        return i < names.size() ? quotedPath(names[i]) : "image " + std::to_string(i);
    };
    for (size_t first = 0; first < images.size(); first += size_t(kBatch)) {
        const size_t count = std::min(images.size() - first, size_t(kBatch));
        std::vector<cv::Mat> converted;
        for (size_t i = first; i < first + count; ++i) {
            cv::Mat pixels(size, size, CV_8UC3);
            convertImage(images[i], size, nameOf(i), pixels.data);
            converted.push_back(pixels);
        }
        net_.setInput(cv::dnn::blobFromImages(converted, 1.0, cv::Size(size, size), cv::Scalar(), true, false));
        std::vector<cv::Mat> outs;
        net_.forward(outs, std::vector<cv::String>{"logits", "probabilities", "familiarity"});
        if (outs[0].total() != count * classes || outs[1].total() != count * classes ||
            outs[2].total() != count * classes) {
            fail(Failure::BadFile, "the network gives " + std::to_string(outs[0].total() / count) +
                                       " logits an image, its metadata name " + std::to_string(classes) + " classes");
        }
        if (!std::all_of(outs.begin(), outs.end(), [](const cv::Mat& out) { return cv::checkRange(out); })) {
            fail(Failure::BadFile, "the network gives a number that is not finite for " +
                                       (count == 1 ? "" : "one of " + std::to_string(count) + " images from ") +
                                       nameOf(first) + (count == 1 ? "" : " on"));
        }
        const cv::Mat logits = outs[0].reshape(1, int(count)), scores = outs[1].reshape(1, int(count));
        const cv::Mat familiarity = outs[2].reshape(1, int(count));
        for (int i = 0; i < int(count); ++i) {
            Answer answer;
            const float* row = logits.ptr<float>(i);
            answer.label = int(std::max_element(row, row + classes) - row);
            const float* known = familiarity.ptr<float>(i);
            answer.familiarity = *std::max_element(known, known + classes);
            answer.unknown = answer.familiarity < description_.threshold;
            answer.probabilities.assign(scores.ptr<float>(i), scores.ptr<float>(i) + classes);
            answers.push_back(std::move(answer));
        }
    }
    return answers;
}

}  // namespace hyperpred
}  // namespace cv
