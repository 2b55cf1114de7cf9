// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_REPORT_HTML_HPP
#define HYPERPRED_TOOL_REPORT_HTML_HPP

#include <string>

namespace cv {
namespace hyperpred {

// The report of `hyperpred predict` (JSON) as one self-contained HTML page without scripts.
std::string reportHtml(const std::string& json);

}  // namespace hyperpred
}  // namespace cv

#endif
