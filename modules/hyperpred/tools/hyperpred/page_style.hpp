// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_PAGE_STYLE_HPP
#define HYPERPRED_TOOL_PAGE_STYLE_HPP

#include <string>

namespace cv {
namespace hyperpred {

// Everything before the content of a page: character set, a policy that forbids scripts and anything from elsewhere,
// and the style sheet (phone, desktop, dark, print).
std::string pageHead(const std::string& title);
std::string pageFoot();

}  // namespace hyperpred
}  // namespace cv

#endif
