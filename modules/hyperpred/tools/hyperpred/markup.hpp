// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_MARKUP_HPP
#define HYPERPRED_TOOL_MARKUP_HPP

#include <cstddef>
#include <string>

namespace cv {
namespace hyperpred {

// Text as it may stand in an HTML page, between tags or in a double-quoted attribute. Names of classes and files may
// hold any byte: markup is escaped, bytes that are no UTF-8 become U+FFFD, control characters their pictures
// (U+2400 on).
std::string escaped(const std::string& text);
// A name of unknown script: isolated, so that right-to-left letters leave the words around it alone.
std::string isolated(const std::string& name);
// The text when it has at most so many characters, else its beginning and end around an ellipsis.
std::string shortened(const std::string& text, size_t most);
// Folder and name of a file: the rest of a path is the same for all and too long for a phone.
std::string shownFile(const std::string& path);

std::string formatted(double value, const char* format);                             // printf
std::string percent(double share);                                                   // "91.2 %"
std::string counted(size_t count, const std::string& one, const std::string& many);  // "1 image", "2 images"

}  // namespace hyperpred
}  // namespace cv

#endif
