// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "training_runs.hpp"

#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "atomic_file.hpp"
#include "error.hpp"
#include "strict_json.hpp"

extern char** environ;

namespace cv {
namespace hyperpred {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

std::string readText(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, "\"" + path + "\": cannot be opened");
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

void writeText(const std::string& path, const std::string& text) {
    writeAtomically(path, [&](std::ostream& out) { out << text; });
}

// Runs a program to its end; its output is this program's.
void runProgram(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        std::cerr << (arguments.empty() ? "" : " ") << word;
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    std::cerr << std::endl;
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failure = posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
    if (failure != 0) fail(Failure::NotFound, "\"" + words[0] + "\" cannot be started: " + std::strerror(failure));
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail(Failure::Internal, "\"" + words[0] + " " + words[1] + "\" ended with " +
                                    (WIFEXITED(status) ? "status " + std::to_string(WEXITSTATUS(status))
                                                       : "signal " + std::to_string(WTERMSIG(status))));
    }
}

bool holdsCheckpoint(const std::string& folder) {
    if (!fs::is_directory(folder)) return false;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() == ".pt") return true;
    }
    return false;
}

}  // namespace

std::vector<LogRow> readLog(const std::string& path) {
    std::istringstream in(readText(path));
    std::string line, cell;
    std::vector<std::string> columns;
    std::vector<LogRow> rows;
    for (int number = 1; std::getline(in, line); ++number) {
        std::istringstream cells(line);
        LogRow row;
        for (size_t c = 0; std::getline(cells, cell, ','); ++c) {
            if (number == 1) {
                columns.push_back(cell);
            } else if (!cell.empty()) {
                char* end = nullptr;
                const double value = std::strtod(cell.c_str(), &end);
                if (c >= columns.size() || *end != 0) {
                    fail(Failure::BadFile, "log \"" + path + "\", line " + std::to_string(number) + ": \"" + cell +
                                               "\" is not a number of a column");
                }
                row[columns[c]] = value;
            }
        }
        if (number > 1) rows.push_back(row);
    }
    return rows;
}

TrainingRuns::TrainingRuns(std::string trainer, std::string folder, const ArchitecturePlan& plan, int edge,
                           std::map<std::string, std::string> images)
    : trainer_(std::move(trainer)),
      folder_(fs::absolute(folder).string()),
      plan_(plan),
      edge_(edge),
      images_(std::move(images)) {}

const TrainingStep& TrainingRuns::step(const std::string& run) const {
    for (const TrainingStep& step : plan_.runs) {
        if (step.name == run) return step;
    }
    fail(Failure::Internal, "there is no run \"" + run + "\"");
}

std::string TrainingRuns::packed(const std::string& name) const {
    return folder_ + "/" + std::to_string(edge_) + "px-" + name;
}

std::string TrainingRuns::configuration(const std::string& run) const {
    const TrainingStep& own = step(run);
    const std::string where = "configuration \"" + own.config + "\"";
    Json config = readStrictJson(readText(own.config), 32, where);
    config["architecture"] = fs::absolute(plan_.architecture).string();
    for (const char* list : {"data", "validation", "test"}) {
        if (!config.contains(list)) continue;
        for (Json& entry : config[list]) {
            const std::string file = entry.is_object() ? entry.value("file", "") : "";
            if (images_.count(file) == 0) fail(Failure::BadFile, where + ": \"file\" must be train.pack or test.pack");
            entry["file"] = packed(file);
        }
    }
    for (const auto& entry : own.set) {
        const size_t dot = entry.first.find('.');
        Json& section = config[entry.first.substr(0, dot)];
        if (!section.is_null() && !section.is_object()) {
            fail(Failure::BadFile, where + ": " + inQuotes(entry.first) + " cannot be set, \"" +
                                       entry.first.substr(0, dot) + "\" holds " + kindOf(section));
        }
        section[entry.first.substr(dot + 1)] = entry.second;
    }
    config["run"]["out"] = folder_ + "/" + run;
    if (!own.from.empty()) config[own.stage]["init"] = folder_ + "/" + own.from;
    return config.dump(1);
}

void TrainingRuns::finish(const std::string& run) {
    const TrainingStep& own = step(run);
    if (!own.from.empty()) finish(own.from);
    const std::string out = folder_ + "/" + run, mark = out + "/finished.json", begun = out + ".json";
    const std::string config = configuration(run);
    const bool resumed = holdsCheckpoint(out);
    for (const std::string& earlier : {mark, begun}) {
        if (resumed && fs::exists(earlier) && readText(earlier) != config) {
            fail(Failure::BadArgument, "\"" + out + "\" was trained with another configuration (" + earlier +
                                           "); remove the folder, or name another --work");
        }
    }
    if (fs::exists(mark)) return;
    for (const auto& entry : images_) {
        if (fs::exists(packed(entry.first))) continue;
        runProgram({trainer_, "pack", entry.second, "--size", std::to_string(edge_), "--out", packed(entry.first)});
    }
    writeText(begun, config);
    if (resumed) {
        runProgram({trainer_, "resume", out});
    } else {
        runProgram({trainer_, own.stage, "--config", begun});
    }
    writeText(mark, config);
}

std::string TrainingRuns::model(const std::string& run) {
    fs::create_directories(folder_);
    finish(run);
    const std::string file = folder_ + "/" + run + ".safetensors";
    if (!fs::exists(file)) runProgram({trainer_, "export", folder_ + "/" + run, "--out", file});
    return file;
}

std::vector<LogRow> TrainingRuns::log(const std::string& run) {
    fs::create_directories(folder_);
    finish(run);
    return readLog(folder_ + "/" + run + "/log.csv");
}

}  // namespace hyperpred
}  // namespace cv
