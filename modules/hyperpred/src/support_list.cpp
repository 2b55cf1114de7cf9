// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "support_list.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>

#include "error.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

namespace fs = std::filesystem;

const int64_t kMaxListBytes = int64_t(256) << 20;

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    return text;
}

// GIF is here although readImage refuses it: the user then hears why.
bool hasImageEnding(const fs::path& path) {
    static const char* const endings[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".webp",
                                          ".tif", ".tiff", ".pbm", ".pgm",  ".ppm", ".pnm", ".gif"};
    const std::string ending = lower(path.extension().string());
    return std::find(std::begin(endings), std::end(endings), ending) != std::end(endings);
}

bool isIgnored(const std::string& name) {
    return name[0] == '.' || lower(name) == "thumbs.db" || lower(name) == "desktop.ini";
}

// The list while it grows; every file that is left out goes through skip().
class List {
public:
    explicit List(bool strict) : strict_(strict) {}

    void skip(const std::string& sentence) {
        if (strict_) fail(Failure::BadFile, sentence);
        list_.skipped.push_back(sentence);
    }

    // Files of one class; without any the class is dropped, so that labels stay without gaps.
    void addClass(const std::string& name, const std::vector<std::string>& paths) {
        if (paths.empty()) {
            skip("class " + quotedPath(name) + ": has no image file and is left out");
            return;
        }
        for (const std::string& path : paths) {
            LabelledFile file;
            file.path = path;
            file.label = int(list_.classNames.size());
            list_.files.push_back(file);
        }
        list_.classNames.push_back(name);
    }

    void addFile(const std::string& path) {
        LabelledFile file;
        file.path = path;
        list_.files.push_back(file);
    }

    // Without the check for emptiness.
    LabelledFiles takeAll() { return std::move(list_); }

    LabelledFiles take(const std::string& source) {
        if (list_.files.empty()) {
            const std::string first = list_.skipped.empty() ? "" : ", the first: " + list_.skipped.front();
            fail(Failure::BadFile, quotedPath(source) + ": no labelled image in it (" +
                                       std::to_string(list_.skipped.size()) + " skipped" + first +
                                       "); expected is a folder with one folder of images a class, or a CSV list "
                                       "path,label");
        }
        return std::move(list_);
    }

private:
    bool strict_;
    LabelledFiles list_;
};

// Why the file cannot be read as an image, without opening it; empty when nothing speaks against it.
std::string obstacle(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);  // follows links
    if (status.type() == fs::file_type::not_found) {
        std::error_code ignored;
        const bool link = fs::symlink_status(path, ignored).type() == fs::file_type::symlink;
        return link ? "a dangling link" : "does not exist";
    }
    if (error) return error.message();
    if (status.type() == fs::file_type::directory) return "is a folder, not an image file";
    if (status.type() != fs::file_type::regular) return "is no regular file";
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
        return std::generic_category().message(errno);
    }
    return "";
}

// Entries of a folder, sorted bytewise by name: the order of the system is nobody's.
std::vector<fs::path> entriesOf(const fs::path& folder, std::error_code& error) {
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (!isIgnored(at->path().filename().string())) entries.push_back(at->path());
    }
    std::sort(entries.begin(), entries.end(),
              [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
    return entries;
}

void listClass(const fs::path& folder, List& list) {
    std::error_code error;
    const std::vector<fs::path> entries = entriesOf(folder, error);
    if (error) {
        list.skip(quotedPath(folder.string()) + ": " + error.message());
        return;
    }
    std::vector<std::string> paths;
    for (const fs::path& path : entries) {
        std::string reason = obstacle(path);
        if (reason.empty() && !hasImageEnding(path)) reason = "its ending is not that of an image";
        if (reason.empty()) {
            paths.push_back(path.string());
        } else {
            list.skip(quotedPath(path.string()) + ": " + reason);
        }
    }
    list.addClass(folder.filename().string(), paths);
}

LabelledFiles listFolder(const std::string& folder, bool strict) {
    std::error_code error;
    const std::vector<fs::path> entries = entriesOf(folder, error);
    if (error) fail(Failure::BadFile, quotedPath(folder) + ": " + error.message());
    List list(strict);
    for (const fs::path& path : entries) {
        std::error_code ignored;
        if (fs::is_directory(path, ignored)) {
            listClass(path, list);
        } else if (hasImageEnding(path)) {
            list.skip(quotedPath(path.string()) + ": lies in no class folder");
        } else if (fs::is_symlink(path, ignored) && !fs::exists(path, ignored)) {
            list.skip(quotedPath(path.string()) + ": " + obstacle(path));  // a class, if the link led somewhere
        }
    }
    return list.take(folder);
}

void listBelow(const fs::path& folder, List& list) {
    std::error_code error;
    const std::vector<fs::path> entries = entriesOf(folder, error);
    if (error) list.skip(quotedPath(folder.string()) + ": " + error.message());
    for (const fs::path& path : entries) {
        std::error_code ignored;
        if (fs::symlink_status(path, ignored).type() == fs::file_type::directory) {
            listBelow(path, list);
            continue;
        }
        const std::string reason = obstacle(path);
        if (reason.empty()) {
            list.addFile(path.string());
        } else {
            list.skip(quotedPath(path.string()) + ": " + reason);
        }
    }
}

std::string readList(const std::string& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) fail(Failure::BadFile, quotedPath(path) + ": " + error.message());
    if (size > uintmax_t(kMaxListBytes)) {
        fail(Failure::BadFile, quotedPath(path) + ": " + std::to_string(size) + " bytes; a CSV list of at most " +
                                   std::to_string(kMaxListBytes >> 20) + " MiB is accepted");
    }
    std::string text(size_t(size), '\0');
    std::ifstream file(path, std::ios::binary);
    if (!file || !file.read(&text[0], std::streamsize(text.size()))) {
        fail(Failure::BadFile, quotedPath(path) + ": cannot be read");
    }
    return text;
}

LabelledFiles listCsv(const std::string& csv, bool strict) {
    const fs::path folder = fs::path(csv).parent_path();
    List list(strict);
    std::map<std::string, std::vector<std::string>> classes;  // sorted bytewise
    for (const ListedFile& listed : parseLabelledCsv(readList(csv), quotedPath(csv))) {
        std::vector<std::string>& paths = classes[listed.label];
        const fs::path path = folder / listed.path;
        const std::string reason = obstacle(path);
        if (reason.empty()) {
            paths.push_back(path.string());
        } else {
            list.skip(quotedPath(csv) + ", line " + std::to_string(listed.line) + ": " + quotedPath(path.string()) +
                      ": " + reason);
        }
    }
    for (const auto& entry : classes) list.addClass(entry.first, entry.second);
    return list.take(csv);
}

// RFC 4180, one record after the other.
class CsvReader {
public:
    CsvReader(const std::string& text, const std::string& where) : text_(text), where_(where) {
        if (text_.compare(0, 3, "\xEF\xBB\xBF") == 0) at_ = 3;
    }

    // False at the end of the text. A blank line is a record of one empty field.
    bool next(std::vector<std::string>& fields) {
        fields.clear();
        if (at_ >= text_.size()) return false;
        recordLine_ = line_;
        do {
            fields.push_back(field());
            if (fields.size() > 2) refuse("more than two fields; path,label is expected (quote a comma: \"a,b.png\")");
        } while (take(','));
        if (at_ < text_.size() && !takeLineEnd()) refuse("text after the closing quote of a field");
        return true;
    }

    size_t line() const { return recordLine_; }

    [[noreturn]] void refuse(const std::string& reason) const {
        fail(Failure::BadFile, where_ + ", line " + std::to_string(recordLine_) + ": " + reason);
    }

private:
    bool take(char c) {
        const bool found = at_ < text_.size() && text_[at_] == c;
        if (found) ++at_;
        return found;
    }

    bool takeLineEnd() {
        if (text_.compare(at_, 2, "\r\n") == 0) ++at_;
        if (!take('\n')) return false;
        ++line_;
        return true;
    }

    std::string field() {
        if (take('"')) return quotedField();
        const size_t end = std::min(text_.find_first_of(",\n\"", at_), text_.size());
        if (end < text_.size() && text_[end] == '"') refuse("a quote inside a field that is not quoted");
        std::string value = text_.substr(at_, end - at_);
        // The \r of a line end, but not one of a field before a comma.
        if (!value.empty() && value.back() == '\r' && end < text_.size() && text_[end] == '\n') value.pop_back();
        at_ = end;
        return value;
    }

    std::string quotedField() {
        std::string value;
        for (;;) {
            const size_t quote = text_.find('"', at_);
            if (quote == std::string::npos) refuse("the quoted field that begins here has no closing quote");
            value.append(text_, at_, quote - at_);
            for (; at_ < quote; ++at_) line_ += text_[at_] == '\n' ? 1 : 0;
            ++at_;
            if (!take('"')) return value;
            value += '"';
        }
    }

    const std::string& text_;
    const std::string& where_;
    size_t at_ = 0, line_ = 1, recordLine_ = 1;
};

bool isHeader(const std::vector<std::string>& fields) {
    const std::string path = lower(fields[0]), label = lower(fields[1]);
    return (path == "path" || path == "file" || path == "filename" || path == "image") &&
           (label == "label" || label == "class");
}

}  // namespace

std::vector<ListedFile> parseLabelledCsv(const std::string& text, const std::string& where) {
    CsvReader reader(text, where);
    std::vector<ListedFile> files;
    bool first = true;
    for (std::vector<std::string> fields; reader.next(fields);) {
        if (fields.size() == 1 && fields[0].empty()) continue;
        if (fields.size() != 2) reader.refuse("one field; path,label is expected");
        const bool header = first && isHeader(fields);
        first = false;
        if (header) continue;
        if (fields[0].empty() || fields[1].empty()) {
            reader.refuse(fields[0].empty() ? "the path is empty" : "the label is empty");
        }
        if (fields[0].find('\0') != std::string::npos || fields[1].find('\0') != std::string::npos) {
            reader.refuse("a field holds a zero byte");
        }
        ListedFile file;
        file.path = fields[0];
        file.label = fields[1];
        file.line = reader.line();
        files.push_back(file);
    }
    return files;
}

LabelledFiles listLabelledFiles(const std::string& folderOrCsv, bool strict) {
    std::error_code error;
    const fs::file_status status = fs::status(folderOrCsv, error);
    if (status.type() == fs::file_type::directory) return listFolder(folderOrCsv, strict);
    if (status.type() == fs::file_type::regular) return listCsv(folderOrCsv, strict);
    const bool missing = status.type() == fs::file_type::not_found;
    fail(missing ? Failure::NotFound : Failure::BadFile,
         quotedPath(folderOrCsv) + ": " +
             (missing ? "does not exist" : error ? error.message() : "is neither a folder nor a CSV list"));
}

LabelledFiles listFilesBelow(const std::string& folder, bool strict) {
    List list(strict);
    listBelow(folder, list);
    LabelledFiles files = list.takeAll();
    std::sort(files.files.begin(), files.files.end(),
              [](const LabelledFile& a, const LabelledFile& b) { return a.path < b.path; });
    return files;
}

}  // namespace hyperpred
}  // namespace cv
