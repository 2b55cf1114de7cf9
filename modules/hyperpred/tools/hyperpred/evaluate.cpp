// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "classifier.hpp"
#include "command.hpp"
#include "evaluation.hpp"
#include "image_source.hpp"
#include "quoted_path.hpp"
#include "report_page.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

// A name as the network's metadata hold it: bytes that are no UTF-8 are replaced there.
std::string asInMetadata(const std::string& name) {
    return Json::parse(reportText(Json(name), -1)).get<std::string>();
}

// Label of each listed class in the network; a class the network does not know gets -1 and counts as unknown.
std::vector<int> matchClasses(const std::vector<std::string>& listed, const std::vector<std::string>& known) {
    std::vector<int> labels;
    for (const std::string& name : listed) {
        const auto found = std::find(known.begin(), known.end(), asInMetadata(name));
        labels.push_back(found == known.end() ? -1 : int(found - known.begin()));
    }
    return labels;
}

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
    return text;
}

void print(const Json& result) {
    std::cout << "images " << result["images"] << ", top-1 " << percent(result["top1"]) << ", top-5 "
              << percent(result["top5"]) << ", calibration error " << percent(result["calibration_error"])
              << ", refused " << percent(result["refused"]) << "\n";
    for (const auto& row : result["per_class"]) {
        std::cout << "  " << std::setw(8) << percent(row["accuracy"]) << "  " << row["images"] << " images  "
                  << row["name"].get<std::string>();
        if (!row["confused_with"].is_null()) {
            std::cout << "  (most often taken for " << row["confused_with"].get<std::string>() << ")";
        }
        std::cout << "\n";
    }
    if (result["foreign_images"].get<int>() > 0) {
        std::cout << result["foreign_images"] << " images of classes that the network does not know, refused "
                  << percent(result["foreign_refused"]) << "\n";
    }
}

}  // namespace

int runEvaluate(const std::vector<std::string>& given) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()("json", "print everything as JSON, the confusion matrix included")(
        "report", po::value<std::string>(), "report to write: a page (.html) or data (.json)")(
        "strict", "stop at the first file that cannot be read")("threads", po::value<int>()->default_value(0),
                                                                "0: all cores");
    const Arguments arguments("hyperpred evaluate NET DIR [options]", options, {"NET", "DIR"}, given);
    if (arguments.helped()) return 0;
    if (arguments.has("report")) checkReportPath(arguments.get<std::string>("report"));
    useThreads(arguments);
    Classifier classifier = Classifier::open(arguments.get<std::string>("NET"));
    LabelledFiles list = listLabelledFiles(arguments.get<std::string>("DIR"), arguments.has("strict"));
    const std::vector<std::string>& known = classifier.description().classNames;
    const std::vector<int> labels = matchClasses(list.classNames, known);
    if (std::all_of(labels.begin(), labels.end(), [](int label) { return label < 0; })) {
        throw WrongUse("no class of " + quotedPath(arguments.get<std::string>("DIR")) + " is among the network's " +
                       std::to_string(known.size()) + " classes (the first is " + quotedPath(known[0]) + ")");
    }
    Evaluation evaluation(known);
    size_t done = 0;
    forEachBatch(list.files, arguments.has("strict"), list.skipped, [&](const LabelledBatch& batch) {
        const std::vector<Answer> answers = classifier.classify(batch.images, batch.paths);
        for (size_t i = 0; i < answers.size(); ++i) {
            evaluation.add(labels[size_t(batch.labels[i])], answers[i], batch.paths[i]);
        }
        done += answers.size();
        showProgress("evaluating", double(done) / double(list.files.size()));
    });
    endProgress();
    reportSkipped(list.skipped);
    if (evaluation.images() == 0) throw CannotDo("no image of a class that the network knows could be read");
    Json result = evaluation.json();
    result["skipped"] = list.skipped;
    const std::string& report = classifier.description().report;
    result["network"] = report.empty() ? Json::object() : Json::parse(report);
    if (arguments.has("report")) writeReport(arguments.get<std::string>("report"), result);
    if (arguments.has("json")) {
        std::cout << reportText(result, 2) << "\n";
    } else {
        print(result);
    }
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
