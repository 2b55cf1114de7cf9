// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_REPORT_PAGE_HPP
#define HYPERPRED_TOOL_REPORT_PAGE_HPP

#include <nlohmann/json.hpp>
#include <string>

namespace cv {
namespace hyperpred {

// One self-contained HTML page of the report of `predict` or `evaluate`, at most 3 MB: pictures are read again from the
// files that the report names and embedded as thumbnails. Names may hold any bytes.
std::string reportPage(const nlohmann::ordered_json& report);

// Throws WrongUse when the path has no ending that a report can have; asked before the work begins.
void checkReportPath(const std::string& path);
// Writes the report atomically: a page where the path ends in .html or .htm, data where it ends in .json.
void writeReport(const std::string& path, const nlohmann::ordered_json& report);
// JSON text; bytes that are no UTF-8 are replaced.
std::string reportText(const nlohmann::ordered_json& report, int indent);

}  // namespace hyperpred
}  // namespace cv

#endif
