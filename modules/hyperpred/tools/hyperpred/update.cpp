// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/hyperpred.hpp>

#include "command.hpp"
#include "image_source.hpp"
#include "interruption.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

boost::program_options::options_description options() {
    namespace po = boost::program_options;
    po::options_description description("options");
    description.add_options()
        ("add", po::value<std::string>(), "folder of classes, or a CSV list path,label, to learn as well")
        ("drop", po::value<Strings>(), "class to forget; may be given again")
        ("rename", po::value<Strings>(), "OLD=NEW; may be given again")
        ("out,o", po::value<std::string>(), "ONNX file to write, its support file beside it; default: NET itself")
        ("repair", "take a support file of another state of NET and make the network anew for it")
        ("threads", po::value<int>()->default_value(0), "0: all cores")
        ("strict", "stop at the first file that cannot be read")
        ("json", "print the report as JSON");
    return description;
}

// A name may hold a '=' itself: the class that exists decides where OLD ends.
void rename(Updater& updater, const std::string& change) {
    const std::vector<String> names = updater.classNames();
    Strings found;
    for (size_t at = change.find('='); at != std::string::npos; at = change.find('=', at + 1)) {
        if (std::find(names.begin(), names.end(), change.substr(0, at)) != names.end()) {
            found.push_back(change.substr(0, at));
        }
    }
    if (change.find('=') == std::string::npos) {
        throw WrongUse("--rename " + quotedPath(change) + ": OLD=NEW is expected");
    }
    if (found.empty()) {
        throw WrongUse("--rename " + quotedPath(change) + ": there is no class " +
                       quotedPath(change.substr(0, change.find('='))) + "; the first is " + quotedPath(names.front()));
    }
    if (found.size() > 1) {
        throw WrongUse("--rename " + quotedPath(change) + ": both " + quotedPath(found[0]) + " and " +
                       quotedPath(found[1]) + " are classes: which one is meant is not clear");
    }
    updater.rename(found[0], change.substr(found[0].size() + 1));
}

size_t addFolder(Updater& updater, const std::string& folder, bool strict, Strings& skipped) {
    const LabelledFiles list = listLabelledFiles(folder, strict);
    skipped = list.skipped;
    size_t added = 0;
    forEachBatch(list.files, strict, skipped, [&](const LabelledBatch& batch) {
        stopIfInterrupted();
        std::vector<String> classes;
        for (const int label : batch.labels) classes.push_back(list.classNames[size_t(label)]);
        updater.add(batch.images, classes);
        added += batch.images.size();
        showProgress("adding", double(added) / double(list.files.size()));
    });
    endProgress();
    if (added == 0) throw CannotDo("no image in " + quotedPath(folder) + " could be read; nothing was written");
    return added;
}

void print(const Json& report, const std::string& out) {
    char line[200];
    std::snprintf(line, sizeof line, "%zu classes, %lld images -> ", report["class_names"].size(),
                  report["images"].get<long long>());
    std::cout << line << out << "\n";
    std::snprintf(line, sizeof line, "%zu images added; expected accuracy %.1f %% (leave-one-out), %.1f %% before\n",
                  report["added"].get<size_t>(), 100 * report["expected_accuracy"].get<double>(),
                  100 * report["expected_accuracy_before"].get<double>());
    std::cout << line;
}

}  // namespace

int runUpdate(const std::vector<std::string>& given) {
    const Arguments arguments("hyperpred update NET [--rename OLD=NEW] [--drop CLASS] [--add DIR] [options]", options(),
                              {"NET"}, given);
    if (arguments.helped()) return 0;
    noteInterruption();
    useThreads(arguments);
    const std::string net = arguments.get<std::string>("NET");
    const std::string out = arguments.has("out") ? arguments.get<std::string>("out") : net;
    if (!arguments.has("add") && !arguments.has("drop") && !arguments.has("rename") && !arguments.has("repair")) {
        throw WrongUse("nothing to do: --add, --drop, --rename or --repair is expected");
    }
    const auto updater = Updater::open(net, String(), arguments.has("repair"));
    const Json before = Json::parse(updater->report());
    if (arguments.has("rename")) {
        for (const std::string& change : arguments.rest("rename")) rename(*updater, change);
    }
    if (arguments.has("drop")) {
        for (const std::string& name : arguments.rest("drop")) updater->drop(name);
    }
    Strings skipped;
    size_t added = 0;
    if (arguments.has("add")) {
        added = addFolder(*updater, arguments.get<std::string>("add"), arguments.has("strict"), skipped);
    }
    Json report;
    updater->setProgress([](const String& stage, double done) {
        showProgress(stage, done);
        return !interrupted();
    });
    try {
        report = Json::parse(updater->write(out));
    } catch (const cv::Exception&) {
        endProgress();
        stopIfInterrupted();
        throw;
    }
    endProgress();
    report["expected_accuracy_before"] = before.value("expected_accuracy", 0.0);
    report["added"] = added;
    const std::vector<String> names = updater->classNames();
    report["class_names"] = Strings(names.begin(), names.end());
    report["skipped"] = skipped;
    reportSkipped(skipped);
    if (arguments.has("json")) {
        std::cout << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    } else {
        print(report, out);
    }
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
