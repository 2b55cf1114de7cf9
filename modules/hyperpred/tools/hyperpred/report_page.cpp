// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "report_page.hpp"

#include <ostream>
#include <sstream>

#include "atomic_file.hpp"
#include "command.hpp"
#include "markup.hpp"
#include "page_style.hpp"
#include "report_sections.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

bool endsWith(const std::string& text, const std::string& end) {
    return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool isPage(const std::string& path) {
    return endsWith(path, ".html") || endsWith(path, ".htm");
}

void writeNavigation(std::ostream& out, const ReportView& view) {
    const auto entry = [&](const char* id, const char* text) {
        out << "<li><a href=\"#" << id << "\">" << text << "</a></li>";
    };
    out << "<nav aria-label=\"Sections\"><ul>";
    entry("classes", "Classes");
    entry("confusion", "Confusion");
    if (!view.pairs.empty()) entry("pairs", "Pairs");
    if (!view.wrong.empty()) entry("suspects", view.measured ? "Mistakes" : "Suspects");
    if (!view.dropped.empty()) entry("dropped", "Left out");
    if (!view.measured) entry("copies", "Copies");
    if (!view.strangers.empty()) entry("strangers", "Strangers");
    entry("reliability", "Reliability");
    entry("rejection", "Unknown");
    entry("choice", "Choice");
    if (!view.measured) entry("times", "Time");
    if (!view.report["skipped"].empty()) entry("skipped", "Skipped");
    out << "</ul></nav>\n";
}

}  // namespace

std::string reportPage(const Json& report) {
    const ReportView view(report);
    const Thumbnails thumbnails(view.pictures());
    std::ostringstream out;
    out << pageHead(view.measured ? "hyperpred evaluation" : "hyperpred report");
    writeSummary(out, view);
    writeNavigation(out, view);
    writeClasses(out, view, thumbnails);
    writeConfusion(out, view);
    writePairs(out, view, thumbnails);
    writeWrong(out, view, thumbnails);
    writeDropped(out, view, thumbnails);
    writeCopies(out, view, thumbnails);
    writeStrangers(out, view, thumbnails);
    out << "<div class=\"two\">\n";
    writeReliability(out, view);
    writeRejection(out, view);
    out << "</div>\n<div class=\"two\">\n";
    writeChoice(out, view);
    writeTimes(out, view);
    out << "</div>\n";
    writeSkipped(out, view);
    out << "</main>\n" << pageFoot();
    return out.str();
}

void checkReportPath(const std::string& path) {
    if (!isPage(path) && !endsWith(path, ".json")) {
        throw WrongUse("--report \"" + path + "\": a name that ends in .html (a page) or .json (data) is expected");
    }
}

std::string reportText(const Json& report, int indent) {
    return report.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void writeReport(const std::string& path, const Json& report) {
    checkReportPath(path);
    const std::string text = isPage(path) ? reportPage(report) : reportText(report, 2) + "\n";
    writeAtomically(path, [&](std::ostream& out) { out << text; });
}

}  // namespace hyperpred
}  // namespace cv
