// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "support_features.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <set>

#include "error.hpp"
#include "model_file.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"
#include "support_set.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kMostColumns = 1 << 20;
const size_t kMostShown = 60;  // letters of a value in a sentence
const size_t kNesting = 1;     // the list of class names
// Safetensors as we read them hold floats. Integers up to 2^24 are exact in them: a hash takes four.
const int kHashParts = 4, kHashBits = 16;

Tensor tensorOf(std::vector<int64_t> shape) {
    Tensor tensor;
    tensor.shape = std::move(shape);
    return tensor;
}

bool areDigits(const std::string& text) {
    return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// A value of a file, in so many letters at most.
std::string shown(const nlohmann::json& value) {
    const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return text.size() <= kMostShown ? text : text.substr(0, kMostShown) + "...";
}

// The file's metadata, each checked when it is taken; `where` opens the sentences.
struct Header {
    const ModelFile& file;
    std::string where;

    nlohmann::json json(const char* key) const {
        return readStrictJson(file.metadata(key), kNesting, where + ": its metadata \"" + key + '"');
    }
    // What does not know the file speaks in its name.
    void named(const std::function<void()>& check) const {
        try {
            check();
        } catch (const cv::Exception& refusal) {
            fail(Failure::BadFile, where + ": " + refusal.err);
        }
    }
    int64_t integer(const char* key, int64_t least, int64_t most) const {
        const nlohmann::json value = json(key);
        if (value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() <= most) {
            return value.get<int64_t>();
        }
        fail(Failure::BadFile, where + ": its metadata \"" + key + "\" is " + shown(value) + ", must be " +
                                   std::to_string(least) + ".." + std::to_string(most));
    }
};

std::vector<std::string> namesIn(const Header& header) {
    const nlohmann::json value = header.json("classes");
    const auto text = [](const nlohmann::json& name) { return name.is_string(); };
    if (!value.is_array() || value.size() < 2 || value.size() > size_t(kMaxClasses) ||
        !std::all_of(value.begin(), value.end(), text)) {
        fail(Failure::BadFile,
             header.where + ": its metadata \"classes\" is no list of 2.." + std::to_string(kMaxClasses) + " names");
    }
    return value.get<std::vector<std::string>>();
}

const std::string& digitsIn(const Header& header, const char* key) {
    const std::string& digits = header.file.metadata(key);
    if (areDigits(digits)) return digits;
    fail(Failure::BadFile,
         header.where + ": its metadata \"" + key + "\" is " + quotedPath(digits) + ", must be 16 hexadecimal digits");
}

double rejectedIn(const Header& header) {
    const nlohmann::json value = header.json("rejected");
    if (value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 0.5) return value.get<double>();
    fail(Failure::BadFile, header.where + ": its metadata \"rejected\" is " + shown(value) + ", must be 0..0.5");
}

int whole(float value, int below, const std::string& what) {
    if (value >= 0 && value < float(below) && value == float(int(value))) return int(value);
    fail(Failure::BadFile,
         what + " is " + std::to_string(value) + ", must be a whole number below " + std::to_string(below));
}

std::vector<uint64_t> hashesIn(const Header& header, int64_t n) {
    const std::vector<float> parts = header.file.read("hashes", {n, kHashParts}).values;
    std::vector<uint64_t> hashes;
    for (size_t i = 0; i < size_t(n); ++i) {
        uint64_t hash = 0;
        for (int part = kHashParts - 1; part >= 0; --part) {
            hash = hash << kHashBits | uint64_t(whole(parts[i * kHashParts + size_t(part)], 1 << kHashBits,
                                                      header.where + ": part of a hash"));
        }
        hashes.push_back(hash);
    }
    return hashes;
}

std::vector<int> labelsIn(const Header& header, int64_t n, const std::vector<std::string>& classNames) {
    std::vector<int> labels;
    std::vector<char> seen(classNames.size(), 0);
    for (const float value : header.file.read("labels", {n}).values) {
        labels.push_back(whole(value, int(classNames.size()), header.where + ": a label"));
        seen[size_t(labels.back())] = 1;
    }
    const auto empty = std::find(seen.begin(), seen.end(), 0);
    if (empty == seen.end()) return labels;
    fail(Failure::BadFile,
         header.where + ": class " + quotedPath(classNames[size_t(empty - seen.begin())]) + " has no image");
}

}  // namespace

std::string supportFileOf(const std::string& net) {
    const std::string ending = ".onnx";
    const bool ends = net.size() > ending.size() && net.compare(net.size() - ending.size(), ending.size(), ending) == 0;
    return net.substr(0, ends ? net.size() - ending.size() : net.size()) + ".support";
}

std::string readableName(const std::string& name) {
    const auto replace = nlohmann::json::error_handler_t::replace;
    return nlohmann::json::parse(nlohmann::json(name).dump(-1, ' ', false, replace)).get<std::string>();
}

void checkClassNames(const std::vector<std::string>& names) {
    std::set<std::string> seen;
    for (const std::string& name : names) {
        if (name.empty()) fail(Failure::BadArgument, "a class has an empty name");
        if (!seen.insert(name).second) {
            fail(Failure::BadArgument, "two classes are called " + quotedPath(name) +
                                           "; to be told apart later each needs a name of its own");
        }
    }
}

std::vector<uint8_t> supportFileBytes(const std::string& path, SupportFeatures support) {
    checkClassNames(support.classNames);
    const auto n = int64_t(support.labels.size());
    Tensor labels = tensorOf({n}), hashes = tensorOf({n, kHashParts}), features = tensorOf({n, support.columns});
    labels.values.assign(support.labels.begin(), support.labels.end());
    for (const uint64_t hash : support.hashes) {
        for (int part = 0; part < kHashParts; ++part) {
            hashes.values.push_back(float(hash >> (part * kHashBits) & 0xffff));
        }
    }
    features.values = std::move(support.rows);
    char body[17];
    std::snprintf(body, sizeof body, "%016llx", static_cast<unsigned long long>(support.body));
    return modelFileBytes(
        "support file " + quotedPath(path),
        {{"format", kSupportFormat},
         {"classes", nlohmann::json(support.classNames).dump()},
         {"listed", std::to_string(support.listed)},
         {"head", headName(support.head)},
         {"rejected", nlohmann::json(support.rejected).dump()},
         {"network", support.network},
         {"body", body},
         {"images", std::to_string(n)},
         {"columns", std::to_string(support.columns)}},
        {{"labels", std::move(labels)}, {"hashes", std::move(hashes)}, {"features", std::move(features)}},
        StorageType::F32);
}

void checkSupportSize(int64_t images, int columns) {
    const uint64_t bytes = uint64_t(images) * (uint64_t(columns) + kHashParts + 1) * sizeof(float);  // hashes and label
    if (bytes <= kMaxModelFileBytes) return;
    fail(Failure::OutOfRange, "the support file of " + std::to_string(images) + " images with " +
                                  std::to_string(columns) + " features each would have " + std::to_string(bytes) +
                                  " bytes; the limit is " + std::to_string(kMaxModelFileBytes));
}

SupportFeatures readSupportFeatures(const std::string& path) {
    const ModelFile file = ModelFile::open(path);
    const Header header{file, "support file " + quotedPath(path)};
    const auto format = file.metadata().find("format");
    if (format == file.metadata().end() || format->second != kSupportFormat) {
        fail(Failure::BadFile, header.where + ": is no support file; `hyperpred predict --keep-support` writes one");
    }
    if (file.metadata().count("checksum") == 0) fail(Failure::BadFile, header.where + ": its checksum is missing");
    SupportFeatures support;
    support.classNames = namesIn(header);
    header.named([&] { checkClassNames(support.classNames); });
    support.listed = int(header.integer("listed", 0, int64_t(support.classNames.size())));
    header.named([&] { support.head = parseHeadKind(file.metadata("head").substr(0, kMostShown)); });
    support.rejected = rejectedIn(header);
    support.network = digitsIn(header, "network");
    support.body = std::stoull(digitsIn(header, "body"), nullptr, 16);
    support.columns = int(header.integer("columns", 1, kMostColumns));
    const int64_t n = header.integer("images", 1, std::numeric_limits<int>::max());
    support.labels = labelsIn(header, n, support.classNames);
    support.hashes = hashesIn(header, n);
    support.rows = file.read("features", {n, support.columns}).values;
    return support;
}

}  // namespace hyperpred
}  // namespace cv
