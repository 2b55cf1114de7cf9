// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "accuracy_rows.hpp"
#include "accuracy_tables.hpp"
#include "atomic_file.hpp"
#include "bench.hpp"
#include "command.hpp"
#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

// "cifar100" means test/bench/cifar100.json of the working directory.
std::string protocolPath(const std::string& name) {
    const bool plain = name.find('/') == std::string::npos && fs::path(name).extension() != ".json";
    return plain ? "test/bench/" + name + ".json" : name;
}

std::string trainerBeside() {
    std::error_code failure;
    const fs::path own = fs::read_symlink("/proc/self/exe", failure);
    const fs::path trainer = own.parent_path() / "hyperpred_train";
    return !failure && fs::exists(trainer) ? trainer.string() : "hyperpred_train";
}

std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm parts;
    gmtime_r(&now, &parts);
    char text[16];
    std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return text;
}

// Earlier results in the same file, so that architectures and tables can be measured in several sessions.
Json earlierResults(const std::string& path, const std::string& title) {
    Json results = {{"title", title}, {"architectures", Json::array()}};
    std::ifstream in(path, std::ios::binary);
    if (path.empty() || !in) return results;
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const Json earlier = Json::parse(text, nullptr, false);
    if (earlier.is_discarded() || !earlier.is_object() || earlier.value("title", "") != title) {
        fail(Failure::BadFile, "--out \"" + path + "\" exists and holds no results of \"" + title + "\"");
    }
    return earlier;
}

void mergeResults(Json& results, const Json& own) {
    for (Json& entry : results["architectures"]) {
        if (entry["architecture"] != own["architecture"]) continue;
        for (const auto& item : own.items()) {
            if (item.key() == "measured" && entry.contains("measured")) {
                entry["measured"].update(item.value());
            } else {
                entry[item.key()] = item.value();
            }
        }
        return;
    }
    if (own.contains("measured")) results["architectures"].push_back(own);
}

void writeText(const std::string& path, const std::string& text) {
    writeAtomically(path, [&](std::ostream& out) { out << text; });
}

std::string readPage(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, "--insert \"" + path + "\": cannot be opened");
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

}  // namespace

int runAccuracyBench(int argc, char** argv) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()("protocol", po::value<std::string>()->default_value("cifar100"),
                          "a file, or the name of one in test/bench")(
        "data", po::value<std::string>()->default_value("."), "where the protocol's image folders are")(
        "work", po::value<std::string>()->default_value("bench-work"), "folder for packed images and training runs")(
        "architecture", po::value<std::string>()->default_value(""), "only this one")(
        "tables", po::value<std::string>()->default_value("plain,others,draws,shifts"),
        "which tables to measure; none: only prints what --out holds")(
        "out", po::value<std::string>()->default_value(""), "JSON; earlier results in it are kept")(
        "insert", po::value<std::string>()->default_value(""), "Markdown page whose marked tables are replaced")(
        "trainer", po::value<std::string>()->default_value(""), "hyperpred_train; default: beside this program")(
        "threads", po::value<int>()->default_value(0), "0: all cores");
    const Arguments arguments("hyperpred_bench accuracy [options]", options, {},
                              std::vector<std::string>(argv, argv + argc));
    if (arguments.helped()) return 0;
    const auto text = [&](const char* name) { return arguments.get<std::string>(name); };
    const Protocol protocol = loadProtocol(protocolPath(text("protocol")));
    const std::string trainer = text("trainer").empty() ? trainerBeside() : text("trainer");
    if (arguments.get<int>("threads") > 0) cv::setNumThreads(arguments.get<int>("threads"));
    Json results = earlierResults(text("out"), protocol.title);
    bool found = false;
    for (const ArchitecturePlan& plan : protocol.architectures) {
        AccuracyRows rows(protocol, plan, text("data"), text("work"), trainer, arguments.get<int>("threads"));
        if (!text("architecture").empty() && rows.architecture() != text("architecture")) continue;
        found = true;
        Json own = {{"architecture", rows.architecture()}, {"edge", rows.edge()}};
        const auto wanted = [&](const std::string& table) { return text("tables").find(table) != std::string::npos; };
        const auto keep = [&](const char* table, Json rowsOfTable) {
            own[table] = std::move(rowsOfTable);
            own["measured"][table] = rows.device() + ", " + today();
        };
        if (wanted("plain")) keep("plain", rows.plain());
        if (wanted("others") && !plan.others.empty()) keep("others", rows.others());
        if (wanted("draws") && !protocol.imagesPerClass.empty()) keep("draws", rows.draws());
        if (wanted("shifts") && !protocol.shiftImages.empty()) keep("shifts", rows.shifts());
        if (!plan.published.empty()) own["published"] = rows.published();
        mergeResults(results, own);
        if (!text("out").empty()) writeText(text("out"), results.dump(1) + "\n");
    }
    if (!found) fail(Failure::BadArgument, "the protocol has no architecture \"" + text("architecture") + "\"");
    if (!text("insert").empty()) {
        writeText(text("insert"), insertTables(readPage(text("insert")), protocol.name, results));
    }
    std::cout << accuracyTables(results);
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
