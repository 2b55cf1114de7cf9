// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "partial.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "architecture.hpp"
#include "data_folder.hpp"
#include "hash.hpp"
#include "image_source.hpp"
#include "interruption.hpp"
#include "quoted_path.hpp"
#include "support_part.hpp"
#include "support_set.hpp"

namespace cv {
namespace hyperpred {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// "K/N" -> K, N.
std::pair<int, int> parseShare(const std::string& text) {
    int number = 0, count = 0;
    char rest = 0;
    const bool digits = text.find_first_not_of("0123456789/") == std::string::npos && text.size() < 16;
    if (!digits || std::sscanf(text.c_str(), "%7d/%7d%c", &number, &count, &rest) != 2 || number < 1 ||
        number > count || count > 1000000) {
        throw WrongUse("--partial " + quotedPath(text) +
                       ": K/N is expected, with K in 1..N and N at most 1000000, "
                       "e.g. 2/8");
    }
    return {number, count};
}

// A listed path as seen from the folder that was asked for, or that holds the CSV list: it may be mounted elsewhere on
// another machine.
std::string pathWithin(const std::string& path, const std::string& folderOrCsv) {
    std::error_code ignored;
    std::string folder = folderOrCsv;
    if (!fs::is_directory(folderOrCsv, ignored)) folder = fs::path(folderOrCsv).parent_path().string();
    while (!folder.empty() && folder.back() == '/') folder.pop_back();
    const bool inside = !folder.empty() && path.compare(0, folder.size(), folder) == 0 && path[folder.size()] == '/';
    return path.substr(inside ? path.find_first_not_of('/', folder.size()) : 0);
}

// What tells lists apart: class, path and length of every file. The length, because folders of several cameras often
// have the same names in them.
std::string hashOf(const LabelledFiles& list, const std::string& folderOrCsv) {
    std::string text;
    for (const LabelledFile& file : list.files) {
        std::error_code ignored;
        const auto length = fs::file_size(file.path, ignored);
        text += list.classNames[size_t(file.label)] + '\0' + pathWithin(file.path, folderOrCsv) + '\0' +
                std::to_string(length) + '\0';
    }
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx",
                  static_cast<unsigned long long>(contentHash(text.data(), text.size())));
    return digits;
}

// Files k - 1, k - 1 + n, ... of the list: every part has images of every class then.
std::vector<LabelledFile> share(const LabelledFiles& list, int number, int count) {
    std::vector<LabelledFile> files;
    for (size_t i = size_t(number - 1); i < list.files.size(); i += size_t(count)) files.push_back(list.files[i]);
    return files;
}

// Reads `files` into `part` and returns the converted pixels.
std::vector<uint8_t> readFiles(const std::vector<LabelledFile>& files, bool strict, SupportPart& part) {
    SupportSet converted(part.size);
    std::vector<std::string> reasons;
    const auto positionOf = [&](size_t i) { return uint64_t(part.number - 1) + uint64_t(i) * uint64_t(part.count); };
    std::vector<char> read(files.size(), 0);
    forEachBatch(files, strict, reasons, [&](const LabelledBatch& batch) {
        stopIfInterrupted();
        converted.add(batch.images, std::vector<int>(batch.images.size(), 0));
        for (size_t i = 0; i < batch.images.size(); ++i) {
            part.files.push_back({positionOf(batch.positions[i]), batch.labels[i], batch.paths[i]});
            read[batch.positions[i]] = 1;
        }
        showProgress("reading", double(part.files.size()) / double(files.size()));
    });
    endProgress();
    for (size_t i = 0, reason = 0; i < files.size(); ++i) {
        if (read[i] == 0) part.skipped.emplace_back(positionOf(i), reasons[reason++]);
    }
    std::vector<uint8_t> pixels(converted.imageBytes() * part.files.size());
    for (size_t i = 0; i < part.files.size(); ++i) {
        converted.readPixels(i, pixels.data() + i * converted.imageBytes());
    }
    return pixels;
}

int inputSize(const HyperPredictor& predictor) {
    return Json::parse(std::string(predictor.info()))["architecture"]["input"]["size"].get<int>();
}

}  // namespace

int runPartial(const Arguments& arguments) {
    for (const char* option : {"head", "pooling", "features", "format", "weights", "sample", "rejected", "device",
                               "drop-suspects", "keep-support", "keep-weights", "report", "many"}) {
        if (!arguments.given(option)) continue;
        throw WrongUse(std::string("--") + option + " belongs to --merge: --partial only reads and converts");
    }
    const auto numbers = parseShare(arguments.get<std::string>("partial"));
    const std::string folder = arguments.get<std::string>("DIR"),
                      model = modelPath(arguments.get<std::string>("model"));
    const std::string out = arguments.get<std::string>("out");
    const bool strict = arguments.has("strict");
    const LabelledFiles list = listLabelledFiles(folder, strict);
    SupportPart part;
    part.size = parseArchitecture(ModelFile::open(model).metadata("architecture"), model).size;
    part.number = numbers.first;
    part.count = numbers.second;
    part.classNames = list.classNames;
    part.leftOut = list.skipped;
    part.list = hashOf(list, folder);
    const std::vector<LabelledFile> files = share(list, part.number, part.count);
    checkPartSize(part, files.size());
    std::vector<uint8_t> pixels = readFiles(files, strict, part);
    stopIfInterrupted();
    writeSupportPart(out, part, std::move(pixels));
    std::vector<std::string> skipped;
    for (const auto& item : part.skipped) skipped.push_back(item.second);
    reportSkipped(skipped);
    if (arguments.has("json")) {
        const Json result = {{"part", part.number},         {"parts", part.count}, {"images", part.files.size()},
                             {"listed", list.files.size()}, {"size", part.size},   {"skipped", skipped}};
        std::cout << result.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    } else {
        std::cout << "part " << part.number << " of " << part.count << ": " << part.files.size() << " of "
                  << list.files.size() << " listed images -> " << out << "\n";
    }
    return 0;
}

AddedFiles addParts(HyperPredictor& predictor, const std::vector<std::string>& partFiles, LabelledFiles& list) {
    std::vector<OpenedPart> parts;
    for (const std::string& path : partFiles) parts.push_back(openSupportPart(path));
    const int size = inputSize(predictor);
    const WholeSupport whole = putTogether(parts, size);
    list.classNames = whole.classNames;
    list.skipped = whole.skipped;
    std::vector<int> counts(whole.classNames.size(), 0);
    for (const int label : whole.labels) ++counts[size_t(label)];
    const std::vector<int> place = dropEmptyClasses(list, counts);
    AddedFiles added;
    added.paths = whole.paths;
    for (const int label : whole.labels) added.labels.push_back(place[size_t(label)]);
    const size_t imageBytes = size_t(size) * size_t(size) * 3, total = whole.images.size(), batch = 256;
    for (size_t first = 0; first < total; first += batch) {
        stopIfInterrupted();
        std::vector<cv::Mat> images;
        std::vector<int> labels;
        for (size_t i = first; i < std::min(total, first + batch); ++i) {
            const PartedImage& image = whole.images[i];
            const uint8_t* pixels = parts[image.part].pixels + image.index * imageBytes;
            images.emplace_back(size, size, CV_8UC3, const_cast<uint8_t*>(pixels));  // only read
            labels.push_back(added.labels[i]);
        }
        predictor.add(images, labels);
        showProgress("merging", double(first) / double(total));
    }
    return added;
}

}  // namespace hyperpred
}  // namespace cv
