// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "accuracy_tables.hpp"

#include <cstdio>
#include <vector>

#include "error.hpp"

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

std::string plainTable(const Json& rows) {
    std::string text = headRow({"network", "head", "top-1 %", "expected %", "seconds", "images seen", "where"});
    for (const Json& entry : rows) {
        const std::string expected = entry.contains("expected") ? percent(entry["expected"]) : "";
        text += row({entry["network"], entry["head"], percent(entry["top1"]), expected, seconds(entry["seconds"]),
                     thousands(entry["images"]), entry["where"]});
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

}  // namespace

std::string accuracyTables(const nlohmann::ordered_json& results) {
    std::string text;
    for (const Json& own : results["architectures"]) {
        text += "**" + results["title"].get<std::string>() + "; " + own["architecture"].get<std::string>() + ", " +
                std::to_string(own["edge"].get<int>()) + " px** (" + own["device"].get<std::string>() + ", " +
                own["date"].get<std::string>() + ")\n\n";
        if (own.contains("plain")) text += plainTable(own["plain"]) + "\n";
        if (own.contains("draws")) text += drawsTable(own["draws"]) + "\n";
        for (const Json& table : own.value("shifts", Json::array())) text += shiftsTable(table) + "\n";
    }
    return text;
}

std::string insertTable(const std::string& page, const std::string& name, const std::string& table) {
    const std::string begin = "<!-- hyperpred_bench accuracy " + name + " -->\n", end = "<!-- end -->";
    const size_t from = page.find(begin);
    const size_t to = from == std::string::npos ? from : page.find(end, from);
    if (to == std::string::npos) {
        fail(Failure::BadFile, "no lines \"" + begin.substr(0, begin.size() - 1) + "\" and \"" + end +
                                   "\" to put the table between");
    }
    return page.substr(0, from + begin.size()) + table + page.substr(to);
}

}  // namespace hyperpred
}  // namespace cv
