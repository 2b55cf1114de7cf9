// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_QUOTED_PATH_HPP
#define HYPERPRED_QUOTED_PATH_HPP

#include <cstddef>
#include <string>

namespace cv {
namespace hyperpred {

// A path as it stands in a sentence: in full and in double quotes, with control characters, quotes, backslashes and
// bytes that are no UTF-8 escaped (\n, \", \\, \xNN). File names may hold any byte, but a sentence must stay one line
// that a terminal and a JSON report can take.
std::string quotedPath(const std::string& path);

// Length of the UTF-8 character that starts at `at`, 0 where there is none (RFC 3629: no overlong forms, no surrogates,
// nothing above U+10FFFF).
size_t utf8Length(const std::string& text, size_t at);

}  // namespace hyperpred
}  // namespace cv

#endif
