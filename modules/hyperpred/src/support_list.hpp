// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SUPPORT_LIST_HPP
#define HYPERPRED_SUPPORT_LIST_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// One labelled file of a data set on disk.
struct LabelledFile {
    std::string path;
    int label = 0;
};
struct LabelledFiles {
    std::vector<std::string> classNames;
    std::vector<LabelledFile> files;   // by class, then (in a folder) by name
    std::vector<std::string> skipped;  // sentences: what was left out and why
};
// Folder per class (class names sorted bytewise; files of known image endings, sub-folders of a class not entered;
// hidden files, Thumbs.db and desktop.ini ignored silently; dangling links, loops, unreadable files, other files and
// folders are listed in `skipped`), or a CSV list "path,label" with an optional header and quoting by RFC 4180,
// paths relative to the list. A class without a file is dropped and listed in `skipped`. With `strict` the first
// skipped file is an error. Failure::NotFound or BadFile when there is no such data set, nothing is left of it or the
// list is malformed. How many classes are enough is for the caller to judge.
LabelledFiles listLabelledFiles(const std::string& folderOrCsv, bool strict);

// Every file below a folder, sorted bytewise by path, all with label 0 and without class names: what is to be
// classified. Whether a file is an image is for its reader to say; hidden files and folders, Thumbs.db and desktop.ini
// are ignored silently; links to folders are not entered, and they, dangling links and what cannot be opened are listed
// in `skipped`, or with `strict` are an error.
LabelledFiles listFilesBelow(const std::string& folder, bool strict);

// One record of a CSV list, as written.
struct ListedFile {
    std::string path, label;
    size_t line = 0;  // from 1: where the record begins
};
// Records of a CSV list in their order: two fields each, RFC 4180 quoting, CRLF or LF, blank lines passed over, a byte
// order mark and a header of the names "path" (or "file", "filename", "image") and "label" (or "class") dropped.
// Failure::BadFile with `where` and the line.
std::vector<ListedFile> parseLabelledCsv(const std::string& text, const std::string& where);

}  // namespace hyperpred
}  // namespace cv

#endif
