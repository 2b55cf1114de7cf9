// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "refusal.hpp"
#include "support_list.hpp"

using namespace cv::hyperpred;

namespace {

std::string quoted(const std::string& field) {
    std::string result = "\"";
    for (const char c : field) result += c == '"' ? std::string("\"\"") : std::string(1, c);
    return result + "\"";
}

}  // namespace

// Any text is a list that reads the same when every field is quoted, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::vector<ListedFile> files;
    try {
        files = parseLabelledCsv(text, "list \"fuzz.csv\"");
    } catch (const cv::Exception& error) {
        checkRefusal(error, "list \"fuzz.csv\"");
        return 0;
    }
    std::string written = "path,label\r\n";
    for (const ListedFile& file : files) {
        if (file.path.empty() || file.label.empty()) finding("an empty field");
        written += quoted(file.path) + "," + quoted(file.label) + "\r\n";
    }
    const std::vector<ListedFile> again = parseLabelledCsv(written, "list \"again.csv\"");
    if (again.size() != files.size()) finding("another number of records: " + written);
    for (size_t i = 0; i < files.size(); ++i) {
        if (again[i].path != files[i].path || again[i].label != files[i].label) finding("changed: " + written);
        if (i > 0 && files[i].line <= files[i - 1].line) finding("records out of order");
    }
    return 0;
}
