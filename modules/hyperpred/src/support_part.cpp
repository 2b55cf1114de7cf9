// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "support_part.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "error.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"
#include "support_features.hpp"
#include "support_set.hpp"

namespace cv {
namespace hyperpred {

namespace {

using nlohmann::json;

const size_t kNesting = 3;  // object, list, entry
const int kMostParts = 1000000;

int64_t wholeNumber(const json& value, int64_t least, int64_t most, const std::string& where) {
    if (value.is_number_integer() && value >= least && value <= most) return value.get<int64_t>();
    fail(Failure::BadFile, where + " is " + kindOf(value) + ", must be a whole number in " + std::to_string(least) +
                               ".." + std::to_string(most));
}

std::string textIn(const json& value, const std::string& where) {
    if (value.is_string()) return value.get<std::string>();
    fail(Failure::BadFile, where + " is " + kindOf(value) + ", must be text");
}

int64_t metadataNumber(const ModelFile& file, const char* key, int64_t most, const std::string& where) {
    const std::string& text = file.metadata(key);
    const std::string place = where + ": its metadata \"" + key + "\"";
    if (text.empty() || text.size() > 10 || text.find_first_not_of("0123456789") != std::string::npos) {
        fail(Failure::BadFile, place + " is " + inQuotes(text) + ", must be a whole number");
    }
    return wholeNumber(json::parse(text, nullptr, false), 0, most, place);
}

// Positions ascend within a part, and are the part's own: then no two files of complete parts stand at one place.
void checkPosition(uint64_t position, const SupportPart& part, int64_t before, const std::string& where) {
    if (int64_t(position) <= before || position % uint64_t(part.count) != uint64_t(part.number - 1)) {
        fail(Failure::BadFile, where + ": position " + std::to_string(position) + " does not follow " +
                                   std::to_string(before) + " in part " + std::to_string(part.number) + " of " +
                                   std::to_string(part.count));
    }
}

const json& entryOf(const json& list, size_t i, size_t fields, const std::string& where) {
    const json& entry = list[i];
    if (entry.is_array() && entry.size() == fields) return entry;
    fail(Failure::BadFile, where + ": entry " + std::to_string(i) + " is " + kindOf(entry) + ", must be an array of " +
                               std::to_string(fields));
}

void readIndex(const std::string& text, const std::string& where, SupportPart& part) {
    const int64_t last = std::numeric_limits<int64_t>::max() - 1;
    const json root = readStrictJson(text, kNesting, where);
    requireObject(root, where);
    refuseUnknownKeys(root, {"classes", "files", "skipped", "left_out"}, where);
    for (const json& name : arrayAt(root, "classes", where)) {
        part.classNames.push_back(textIn(name, where + ": a class"));
    }
    if (part.classNames.empty() || part.classNames.size() > size_t(kMaxClasses)) {
        fail(Failure::BadFile, where + ": " + std::to_string(part.classNames.size()) + " classes, must be 1.." +
                                   std::to_string(kMaxClasses));
    }
    const json& files = arrayAt(root, "files", where);
    for (size_t i = 0; i < files.size(); ++i) {
        const json& entry = entryOf(files, i, 3, where + ", \"files\"");
        SupportPart::File file;
        file.position = uint64_t(wholeNumber(entry[0], 0, last, where + ": a position"));
        file.label = int(wholeNumber(entry[1], 0, int64_t(part.classNames.size()) - 1, where + ": a label"));
        file.path = textIn(entry[2], where + ": a path");
        checkPosition(file.position, part, part.files.empty() ? -1 : int64_t(part.files.back().position), where);
        part.files.push_back(file);
    }
    const json& skipped = arrayAt(root, "skipped", where);
    for (size_t i = 0; i < skipped.size(); ++i) {
        const json& entry = entryOf(skipped, i, 2, where + ", \"skipped\"");
        const uint64_t position = uint64_t(wholeNumber(entry[0], 0, last, where + ": a position"));
        checkPosition(position, part, part.skipped.empty() ? -1 : int64_t(part.skipped.back().first), where);
        part.skipped.emplace_back(position, textIn(entry[1], where + ": a reason"));
    }
    for (const json& reason : arrayAt(root, "left_out", where)) {
        part.leftOut.push_back(textIn(reason, where + ": a reason"));
    }
}

// The parts of one list, by number; each there once.
using List = std::map<int, size_t>;

std::map<std::string, List> listsOf(const std::vector<OpenedPart>& parts, int size) {
    std::map<std::string, List> lists;
    for (size_t i = 0; i < parts.size(); ++i) {
        const SupportPart& part = parts[i].part;
        const std::string where = "part file " + quotedPath(parts[i].path);
        if (part.size != size) {
            fail(Failure::BadArgument, where + ": its images have " + std::to_string(part.size) +
                                           " px, the model's network takes " + std::to_string(size));
        }
        List& list = lists[part.list];
        const SupportPart& first = parts[list.empty() ? i : list.begin()->second].part;
        if (part.count != first.count || part.classNames != first.classNames) {
            fail(Failure::BadArgument, where + ": is one of " + std::to_string(part.count) + " parts, " +
                                           quotedPath(parts[list.begin()->second].path) + " of the same list one of " +
                                           std::to_string(first.count) + "; parts of one deal are expected");
        }
        const auto added = list.emplace(part.number, i);
        if (!added.second) {
            fail(Failure::BadArgument, where + ": is part " + std::to_string(part.number) + " of " +
                                           std::to_string(part.count) + ", and so is " +
                                           quotedPath(parts[added.first->second].path) +
                                           "; lists whose files have the same names and lengths count as one");
        }
    }
    return lists;
}

void requireComplete(const std::map<std::string, List>& lists, const std::vector<OpenedPart>& parts) {
    for (const auto& item : lists) {
        const List& list = item.second;
        const OpenedPart& known = parts[list.begin()->second];
        if (list.size() == size_t(known.part.count)) continue;
        int missing = 1;
        while (list.count(missing) > 0) ++missing;
        fail(Failure::BadArgument, "part " + std::to_string(missing) + " of " + std::to_string(known.part.count) +
                                       " is missing: only " + std::to_string(list.size()) + " of the list of " +
                                       quotedPath(known.path) + " are given");
    }
}

// Class names of all lists, and for each list the label in them of each of its classes.
std::vector<std::string> unitedClasses(const std::map<std::string, List>& lists, const std::vector<OpenedPart>& parts) {
    const auto namesOf = [&](const List& list) { return parts[list.begin()->second].part.classNames; };
    if (lists.size() == 1) return namesOf(lists.begin()->second);
    std::set<std::string> names;
    for (const auto& item : lists) {
        const std::vector<std::string> own = namesOf(item.second);
        checkClassNames(own);
        names.insert(own.begin(), own.end());
    }
    return std::vector<std::string>(names.begin(), names.end());
}

// The images of one list in its order, and what could not be read of it.
void appendList(const List& list, const std::vector<OpenedPart>& parts, bool only, WholeSupport& whole) {
    std::vector<std::pair<uint64_t, PartedImage>> images;
    std::vector<std::pair<uint64_t, std::string>> skipped;
    for (const auto& item : list) {
        const SupportPart& part = parts[item.second].part;
        for (size_t i = 0; i < part.files.size(); ++i) images.push_back({part.files[i].position, {item.second, i}});
        skipped.insert(skipped.end(), part.skipped.begin(), part.skipped.end());
    }
    std::sort(images.begin(), images.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::sort(skipped.begin(), skipped.end());
    const SupportPart& any = parts[list.begin()->second].part;
    std::vector<int> labels;
    for (size_t c = 0; c < any.classNames.size(); ++c) {
        const auto at = std::lower_bound(whole.classNames.begin(), whole.classNames.end(), any.classNames[c]);
        labels.push_back(only ? int(c) : int(at - whole.classNames.begin()));
    }
    for (const auto& image : images) {
        const SupportPart::File& file = parts[image.second.part].part.files[image.second.index];
        whole.images.push_back(image.second);
        whole.labels.push_back(labels[size_t(file.label)]);
        whole.paths.push_back(file.path);
    }
    whole.skipped.insert(whole.skipped.end(), any.leftOut.begin(), any.leftOut.end());
    for (const auto& item : skipped) whole.skipped.push_back(item.second);
}

}  // namespace

void checkPartSize(const SupportPart& part, size_t files) {
    const uint64_t most = kMaxModelFileBytes / (uint64_t(part.size) * uint64_t(part.size) * 3);
    if (files <= most) return;
    fail(Failure::OutOfRange, "part " + std::to_string(part.number) + " of " + std::to_string(part.count) + " has " +
                                  std::to_string(files) + " files; at most " + std::to_string(most) + " images of " +
                                  std::to_string(part.size) + " px fit into one: make more parts");
}

void writeSupportPart(const std::string& path, const SupportPart& part, std::vector<uint8_t> pixels) {
    json files = json::array(), skipped = json::array();
    for (const SupportPart::File& file : part.files) files.push_back({file.position, file.label, file.path});
    for (const auto& item : part.skipped) skipped.push_back({item.first, item.second});
    const json index = {
        {"classes", part.classNames}, {"files", files}, {"skipped", skipped}, {"left_out", part.leftOut}};
    const std::string text = index.dump(-1, ' ', false, json::error_handler_t::replace);
    ByteTensor image, words;
    image.shape = {int64_t(part.files.size()), part.size, part.size, 3};
    image.values = std::move(pixels);
    words.shape = {int64_t(text.size())};
    words.values.assign(text.begin(), text.end());
    writeByteFile(path,
                  {{"format", kPartFormat},
                   {"size", std::to_string(part.size)},
                   {"part", std::to_string(part.number)},
                   {"parts", std::to_string(part.count)},
                   {"list", part.list},
                   {"index_bytes", std::to_string(text.size())}},
                  {{"index", std::move(words)}, {"pixels", std::move(image)}});
}

OpenedPart openSupportPart(const std::string& path) {
    OpenedPart opened{path, SupportPart(), ModelFile::open(path), nullptr};
    const ModelFile& file = opened.file;
    SupportPart& part = opened.part;
    const std::string where = "part file " + quotedPath(path);
    const auto format = file.metadata().find("format");
    if (format == file.metadata().end() || format->second != kPartFormat) {
        fail(Failure::BadFile, where + ": is no part; `hyperpred predict --partial K/N` writes one");
    }
    if (file.metadata().count("checksum") == 0) fail(Failure::BadFile, where + ": its checksum is missing");
    part.size = int(metadataNumber(file, "size", 1024, where));
    part.count = int(metadataNumber(file, "parts", kMostParts, where));
    part.number = int(metadataNumber(file, "part", part.count, where));
    part.list = file.metadata("list");
    if (part.size < 8 || part.number < 1 || part.list.size() != 16) {
        fail(Failure::BadFile, where + ": its metadata have size " + std::to_string(part.size) + ", part " +
                                   std::to_string(part.number) + " and list " + inQuotes(part.list) +
                                   "; 8 px or more, 1 or more and 16 digits are expected");
    }
    const int64_t bytes = metadataNumber(file, "index_bytes", std::numeric_limits<uint32_t>::max(), where);
    const auto* text = reinterpret_cast<const char*>(file.bytes("index", {bytes}));
    readIndex(std::string(text, size_t(bytes)), where + ", index", part);
    opened.pixels = file.bytes("pixels", {int64_t(part.files.size()), part.size, part.size, 3});
    return opened;
}

WholeSupport putTogether(const std::vector<OpenedPart>& parts, int size) {
    const std::map<std::string, List> lists = listsOf(parts, size);
    requireComplete(lists, parts);
    WholeSupport whole;
    whole.classNames = unitedClasses(lists, parts);
    for (const auto& item : lists) appendList(item.second, parts, lists.size() == 1, whole);
    return whole;
}

}  // namespace hyperpred
}  // namespace cv
