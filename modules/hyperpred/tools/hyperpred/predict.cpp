// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/hyperpred.hpp>

#include "command.hpp"
#include "data_folder.hpp"
#include "examples.hpp"
#include "image_source.hpp"
#include "interruption.hpp"
#include "partial.hpp"
#include "quoted_path.hpp"
#include "report_page.hpp"
#include "support_features.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const size_t kExamples = 6;  // files of each class that the report names

boost::program_options::options_description options() {
    namespace po = boost::program_options;
    po::options_description description("options");
    description.add_options()
        ("model,m", po::value<std::string>()->default_value(kDefaultModel), "hypernetwork file (.safetensors), or the "
                                                                            "name of an installed one")
        ("out,o", po::value<std::string>()->required(), "ONNX file to write")
        ("head", po::value<std::string>()->default_value("ridge"), "ridge, cosine or lda")
        ("pooling", po::value<std::string>()->default_value("rms"), "how a stage's map becomes numbers: rms or mean")
        ("features", po::value<std::string>()->default_value(""), "stages whose outputs are pooled, e.g. 3,4; empty: "
                                                                  "the last three")
        ("format", po::value<std::string>()->default_value("onnx"), "onnx, onnx-fp16 or onnx-int8: weights of the file")
        ("weights", po::value<std::string>()->default_value("auto"), "auto, predicted or base")
        ("sample", po::value<int>()->default_value(1000), "images for sketch and calibration")
        ("rejected", po::value<double>()->default_value(0.01, "0.01"), "share of the support set called unknown")
        ("device", po::value<std::string>()->default_value("auto"), "auto, cpu, cuda or reference")
        ("threads", po::value<int>()->default_value(0), "0: all cores")
        ("drop-suspects", po::value<int>()->default_value(0), "leave out so many images whose label is most doubtful")
        ("partial", po::value<std::string>(), "K/N: only read and convert every N-th file from the K-th on, into --out")
        ("merge", po::value<std::vector<std::string>>()->multitoken(), "predict from all N parts, not a DIR")
        ("keep-support", "write what `hyperpred update` needs beside the network: net.support for net.onnx")
        ("keep-weights", po::value<std::string>(), "model file to write the weights to, for `hyperpred_train refine`")
        ("report", po::value<std::string>(), "report to write: a page (.html) or data (.json)")
        ("many", "allow more than 1,000 classes")
        ("strict", "stop at the first file that cannot be read")
        ("json", "print the report as JSON");
    return description;
}

std::vector<int> parseStages(const std::string& text) {
    std::vector<int> stages;
    size_t at = 0;
    while (at < text.size()) {
        const size_t comma = std::min(text.find(',', at), text.size());
        const std::string item = text.substr(at, comma - at);
        if (item.empty() || item.size() > 4 || item.find_first_not_of("0123456789") != std::string::npos) {
            throw WrongUse("--features \"" + text + "\": numbers with commas between them are expected, e.g. 3,4");
        }
        stages.push_back(std::stoi(item));
        at = comma + 1;
    }
    return stages;
}

PredictOptions predictOptions(const Arguments& arguments, const std::vector<std::string>& classNames) {
    PredictOptions result;
    result.head = arguments.get<std::string>("head");
    result.pooling = arguments.get<std::string>("pooling");
    result.features = parseStages(arguments.get<std::string>("features"));
    result.format = arguments.get<std::string>("format");
    result.weights = arguments.get<std::string>("weights");
    result.sampleSize = arguments.get<int>("sample");
    result.rejected = arguments.get<double>("rejected");
    result.dropSuspects = arguments.get<int>("drop-suspects");
    result.keepSupport = arguments.has("keep-support");
    result.keepWeights = arguments.has("keep-weights");
    result.many = arguments.has("many");
    result.classNames.assign(classNames.begin(), classNames.end());
    result.progress = [](const String& stage, double done) {
        showProgress(stage, done);
        return !interrupted();
    };
    return result;
}

// A few files of each class, none of them a suspect where others are left.
Json exampleFiles(const Prediction& prediction, const AddedFiles& added, size_t classes) {
    std::vector<size_t> doubtful;
    for (const Suspect& suspect : prediction.suspects()) doubtful.push_back(size_t(suspect.image));
    for (const Suspect& suspect : prediction.dropped()) doubtful.push_back(size_t(suspect.image));
    Json examples = Json::array();
    for (const std::vector<size_t>& images : chooseExamples(added.labels, int(classes), doubtful, kExamples)) {
        Json files = Json::array();
        for (const size_t image : images) files.push_back(added.paths[image]);
        examples.push_back(files);
    }
    return examples;
}

Json fullReport(const Prediction& prediction, const AddedFiles& added, const LabelledFiles& list) {
    const std::vector<std::string>& paths = added.paths;
    Json report = Json::parse(prediction.report());
    report["class_names"] = list.classNames;
    report["skipped"] = list.skipped;
    const auto described = [&](const std::vector<Suspect>& suspects) {
        Json rows = Json::array();
        for (const Suspect& suspect : suspects) {
            rows.push_back({{"file", paths[size_t(suspect.image)]},
                            {"label", list.classNames[size_t(suspect.label)]},
                            {"looks_like", list.classNames[size_t(suspect.predicted)]},
                            {"margin", suspect.margin}});
        }
        return rows;
    };
    report["suspects"] = described(prediction.suspects());
    report["dropped"] = described(prediction.dropped());
    report["examples"] = exampleFiles(prediction, added, list.classNames.size());
    for (const char* key : {"conflicts", "duplicates"}) {
        for (Json& group : report[key]) {
            for (Json& image : group) image = paths[image.get<size_t>()];
        }
    }
    return report;
}

void printReport(const Json& report, const std::string& out) {
    std::cout << report["architecture"].get<std::string>() << " for " << report["classes"] << " classes from "
              << report["images"] << " images, " << report["weights"].get<std::string>() << " weights, "
              << report["head"].get<std::string>() << " head -> " << out << "\n";
    char line[160];
    std::snprintf(line, sizeof line, "expected accuracy %.1f %% (leave-one-out), %zu suspects, %zu files skipped\n",
                  100 * report["expected_accuracy"].get<double>(), report["suspects"].size(),
                  report["skipped"].size());
    std::cout << line;
    if (report.contains("dropped_suspects")) {
        std::snprintf(line, sizeof line, "left out %zu suspects; with them %.1f %% were expected\n",
                      report["dropped"].size(), 100 * report["expected_accuracy_of_all"].get<double>());
        std::cout << line;
    }
    for (const auto& stage : report["milliseconds"].items()) {
        std::snprintf(line, sizeof line, "  %-10s %9.1f ms\n", stage.key().c_str(), stage.value().get<double>());
        std::cout << line;
    }
}

}  // namespace

int runPredict(const std::vector<std::string>& given) {
    const Arguments arguments("hyperpred predict DIR --out net.onnx [options], or --merge PART... for DIR", options(),
                              {"DIR?"}, given);
    if (arguments.helped()) return 0;
    const bool merging = arguments.has("merge");
    if (merging && arguments.has("partial")) {
        throw WrongUse("--merge and --partial exclude each other: --partial writes what --merge reads");
    }
    if (arguments.has("DIR") == merging) {
        throw WrongUse(merging ? "--merge takes parts, not " + quotedPath(arguments.get<std::string>("DIR"))
                               : std::string("DIR is missing: a folder of classes or a CSV list path,label"));
    }
    if (arguments.has("report")) checkReportPath(arguments.get<std::string>("report"));
    noteInterruption();
    useThreads(arguments);
    if (arguments.has("partial")) return runPartial(arguments);
    if (merging && arguments.has("strict")) throw WrongUse("--strict belongs to --partial, which reads the files");
    const auto predictor = HyperPredictor::create(modelPath(arguments.get<std::string>("model")),
                                                  arguments.get<std::string>("device"),
                                                  arguments.get<int>("threads"));
    LabelledFiles list;
    if (!merging) list = listLabelledFiles(arguments.get<std::string>("DIR"), arguments.has("strict"));
    const AddedFiles added = merging ? addParts(*predictor, arguments.rest("merge"), list)
                                     : addFiles(*predictor, list, arguments.has("strict"));
    Ptr<Prediction> prediction;
    try {
        prediction = predictor->predict(predictOptions(arguments, list.classNames));
    } catch (const cv::Exception&) {
        endProgress();
        stopIfInterrupted();
        throw;
    }
    endProgress();
    stopIfInterrupted();
    const std::string out = arguments.get<std::string>("out");
    if (arguments.has("keep-weights")) prediction->writeModel(arguments.get<std::string>("keep-weights"));
    prediction->writeONNX(out, arguments.has("keep-support") ? supportFileOf(out) : std::string());
    const Json report = fullReport(*prediction, added, list);
    if (arguments.has("report")) writeReport(arguments.get<std::string>("report"), report);
    reportSkipped(list.skipped);
    if (arguments.has("json")) {
        std::cout << reportText(report, 2) << "\n";
    } else {
        printReport(report, out);
    }
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
