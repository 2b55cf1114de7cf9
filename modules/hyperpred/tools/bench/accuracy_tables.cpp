// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "accuracy_tables.hpp"

#include <cstdio>
#include <vector>

#include "error.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", 100 * share);
    return text;
}

std::string seconds(double value) {
    char text[32];
    std::snprintf(text, sizeof text, value < 10 ? "%.1f" : "%.0f", value);
    return text;
}

// 120000 -> "120,000"
std::string thousands(int64_t value) {
    std::string text = std::to_string(value);
    for (int place = int(text.size()) - 3; place > 0; place -= 3) text.insert(size_t(place), ",");
    return text;
}

std::string row(const std::vector<std::string>& cells) {
    std::string line = "|";
    for (const std::string& cell : cells) line += " " + cell + " |";
    return line + "\n";
}

std::string headRow(const std::vector<std::string>& cells) {
    std::string line = row(cells) + "|";
    for (size_t i = 0; i < cells.size(); ++i) line += i == 0 ? "---|" : "---:|";
    return line + "\n";
}

// What was measured on all support images, and what others say: rows of one shape.
Json wholeRows(const Json& own) {
    Json rows = Json::array();
    for (const char* part : {"plain", "others", "published"}) {
        for (const Json& entry : own.value(part, Json::array())) rows.push_back(entry);
    }
    return rows;
}

std::string wholeTable(const Json& rows) {
    std::string text = headRow({"network", "head", "top-1 %", "expected %", "seconds", "images seen", "where"});
    for (const Json& entry : rows) {
        const std::string expected = entry.contains("expected") ? percent(entry["expected"]) : "";
        const std::string images = entry.contains("images") ? thousands(entry["images"]) : "";
        text += row({entry["network"], entry["head"], percent(entry["top1"]), expected, seconds(entry["seconds"]),
                     images, entry["where"]});
    }
    return text;
}

std::string meanAndDeviation(const Json& cell) {
    if (cell.is_null()) return "";
    const std::string mean = percent(cell["mean"]);
    return cell["draws"] == 1 ? mean : mean + " ± " + percent(cell["deviation"]);
}

std::string drawsTable(const Json& table) {
    std::vector<std::string> head = {"images a class"};
    for (const Json& each : table["images_per_class"]) head.push_back(std::to_string(each.get<int>()));
    std::string text = headRow(head);
    for (const Json& entry : table["rows"]) {
        std::vector<std::string> cells = {entry["network"].get<std::string>() + ", " +
                                          entry["head"].get<std::string>()};
        for (const Json& cell : entry["cells"]) cells.push_back(meanAndDeviation(cell));
        text += row(cells);
    }
    return text;
}

std::string shiftsTable(const Json& table) {
    const int each = table["images_per_class"], draws = table["draws"];
    std::vector<std::string> head = {std::to_string(each) + " images a class" +
                                     (draws > 1 ? ", mean of " + std::to_string(draws) + " draws" : "")};
    for (const Json& column : table["columns"]) head.push_back(column);
    std::string text = headRow(head);
    for (const Json& entry : table["rows"]) {
        std::vector<std::string> cells = {entry["shift"]};
        for (const Json& cell : entry["top1"]) cells.push_back(cell.is_null() ? "" : percent(cell));
        text += row(cells);
    }
    return text;
}

// Which machine measured the tables, and when: one line.
std::string measuredLine(const Json& own, const std::vector<std::string>& tables) {
    std::string line;
    const Json measured = own.value("measured", Json::object());
    for (const std::string& table : tables) {
        const std::string machine = measured.value(table, "");
        if (machine.empty() || line.find(machine) != std::string::npos) continue;
        line += line.empty() ? machine : "; model files of other data: " + machine;
    }
    return line.empty() ? "" : "\n(" + line + ")\n";
}

std::string wholeOf(const Json& own, const Json& rows) {
    return wholeTable(rows) + measuredLine(own, {"plain", "others"});
}

}  // namespace

std::string accuracyTables(const nlohmann::ordered_json& results) {
    std::string text;
    for (const Json& own : results["architectures"]) {
        text += "**" + results["title"].get<std::string>() + "; " + own["architecture"].get<std::string>() + ", " +
                std::to_string(own["edge"].get<int>()) + " px**\n\n";
        if (own.contains("plain") || own.contains("others")) text += wholeOf(own, wholeRows(own)) + "\n";
        if (own.contains("draws")) text += drawsTable(own["draws"]) + measuredLine(own, {"draws"}) + "\n";
        for (const Json& table : own.value("shifts", Json::array())) text += shiftsTable(table) + "\n";
        if (own.contains("shifts")) text += measuredLine(own, {"shifts"}).erase(0, 1) + "\n";
    }
    return text;
}

std::string accuracySummary(const nlohmann::ordered_json& results, const std::string& architecture) {
    for (const Json& own : results["architectures"]) {
        if (own["architecture"] != architecture) continue;
        Json rows = Json::array();
        for (const Json& entry : wholeRows(own)) {
            if (rows.empty() || rows.back()["network"] != entry["network"]) rows.push_back(entry);
        }
        return wholeOf(own, rows);
    }
    fail(Failure::BadFile, "the results have no architecture " + inQuotes(architecture) + " to sum up");
}

std::string insertTables(const std::string& page, const std::string& name, const nlohmann::ordered_json& results) {
    const std::string begin = "<!-- hyperpred_bench accuracy " + name + " ", close = "-->\n", end = "<!-- end -->";
    const std::string summary = "summary ";
    std::string text;
    size_t at = 0;
    for (size_t mark; (mark = page.find(begin, at)) != std::string::npos;) {
        const size_t told = mark + begin.size(), from = page.find(close, told), to = page.find(end, told);
        const size_t line = page.find('\n', told);
        const std::string wanted = from < line ? page.substr(told, from - told) : "?";
        const bool known = wanted.empty() || (wanted.compare(0, summary.size(), summary) == 0 && wanted.back() == ' ');
        if (!known || to == std::string::npos) {
            fail(Failure::BadFile, "the line " + inQuotes(page.substr(mark, line - mark)) + " must be \"" + begin +
                                       "-->\" or \"" + begin + "summary ARCHITECTURE -->\", and a line \"" + end +
                                       "\" must follow");
        }
        text += page.substr(at, from + close.size() - at);
        text += wanted.empty()
                    ? accuracyTables(results)
                    : accuracySummary(results, wanted.substr(summary.size(), wanted.size() - summary.size() - 1));
        at = to;
    }
    if (at == 0) fail(Failure::BadFile, "no line \"" + begin + "-->\" to put tables behind");
    return text + page.substr(at);
}

}  // namespace hyperpred
}  // namespace cv
