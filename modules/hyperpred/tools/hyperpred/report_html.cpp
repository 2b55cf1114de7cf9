// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "report_html.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const char kHead[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>hyperpred report</title>\n"
    "<style>body{font:16px/1.45 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd;overflow-wrap:anywhere}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.big{font-size:2.5rem;font-weight:600}"
    "</style></head><body>\n";

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string number(double value, const char* format) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

void row(std::ostream& out, const std::string& name, const std::string& value) {
    out << "<tr><th>" << escaped(name) << "</th><td class=\"n\">" << escaped(value) << "</td></tr>\n";
}

void summary(std::ostream& out, const Json& report) {
    out << "<h1>" << escaped(report["architecture"]) << " for " << report["classes"] << " classes</h1>\n<p class=big>"
        << number(100 * report["expected_accuracy"].get<double>(), "%.1f %%")
        << "</p><p>expected accuracy on new images of the same kind: each support image was judged by a head fitted "
           "without it.</p>\n<h2>What was predicted</h2><table>\n";
    row(out, "weights", report["weights"]);
    if (report.contains("leave_one_out_on_sample")) {
        for (const auto& item : report["leave_one_out_on_sample"].items()) {
            row(out, "leave-one-out accuracy on the sample, " + item.key(),
                number(100 * item.value().get<double>(), "%.1f %%"));
        }
    }
    row(out, "head", report["head"]);
    row(out, "regulariser", number(report["regulariser"], "%.4g"));
    row(out, "features", report["features"].dump() + ", " + report["feature_count"].dump() + " numbers");
    row(out, "images", report["images"].dump() + ", sample of " + report["sample"].dump());
    row(out, "device", report["device"]);
    out << "</table>\n";
}

void table(std::ostream& out, const std::string& title, const std::string& remark, const Json& rows,
           const std::vector<std::string>& columns) {
    out << "<h2>" << escaped(title) << " (" << rows.size() << ")</h2><p>" << escaped(remark) << "</p>\n";
    if (rows.empty()) return;
    out << "<table><tr>";
    for (const std::string& column : columns) out << "<th>" << escaped(column) << "</th>";
    out << "</tr>\n";
    for (const Json& item : rows) {
        out << "<tr>";
        for (size_t c = 0; c < columns.size(); ++c) {
            const Json& value = item.is_array() ? item[c] : item.is_object() ? item[columns[c]] : item;
            out << "<td>"
                << (value.is_number() ? number(value.get<double>(), "%.3f") : escaped(value.get<std::string>()))
                << "</td>";
        }
        out << "</tr>\n";
    }
    out << "</table>\n";
}

}  // namespace

std::string reportHtml(const std::string& json) {
    const Json report = Json::parse(json);
    std::ostringstream out;
    out << kHead;
    summary(out, report);
    out << "<h2>Time</h2><table>\n";
    for (const auto& stage : report["milliseconds"].items()) {
        row(out, stage.key(), number(stage.value().get<double>(), "%.1f ms"));
    }
    out << "</table>\n";
    table(out, "Suspects", "Support images whose leave-one-out answer contradicts their label, surest first.",
          report["suspects"], {"file", "label", "looks_like", "margin"});
    if (!report["dropped"].empty()) {
        table(out, "Left out",
              "Suspects that the network was predicted without. With them the expected accuracy was " +
                  number(100 * report["expected_accuracy_of_all"].get<double>(), "%.1f %%") +
                  ". What is left looks easier than it is.",
              report["dropped"], {"file", "label", "looks_like", "margin"});
    }
    table(out, "Conflicts", "Pairs with the same pixels under different labels.", report["conflicts"],
          {"first", "second"});
    table(out, "Skipped", "Files that were left out, and why.", report["skipped"], {"file and reason"});
    out << "</body></html>\n";
    return out.str();
}

}  // namespace hyperpred
}  // namespace cv
