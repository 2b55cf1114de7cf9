// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <opencv2/videoio.hpp>

#include "classifier.hpp"
#include "command.hpp"
#include "image_source.hpp"
#include "images.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Prints one answer: a line "source<TAB>class<TAB>probability", or a JSON object a line with the best `top` classes.
class Printer {
public:
    Printer(const std::vector<std::string>& names, bool json, int top) : names_(names), json_(json), top_(top) {}

    void operator()(const std::string& source, const Answer& answer) const {
        if (json_) {
            std::cout << toJson(source, answer).dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
            return;
        }
        const size_t label = size_t(answer.label);
        char probability[32];
        std::snprintf(probability, sizeof probability, "%.4f", double(answer.probabilities[label]));
        std::cout << oneLine(source) << "\t" << (answer.unknown ? "unknown, nearest " : "") << oneLine(names_[label])
                  << "\t" << probability << "\n";
    }

private:
    Json toJson(const std::string& source, const Answer& answer) const {
        std::vector<size_t> order(names_.size());
        std::iota(order.begin(), order.end(), size_t(0));
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
            return answer.probabilities[a] > answer.probabilities[b];
        });
        order.resize(std::min(order.size(), size_t(top_)));
        Json best = Json::array();
        for (const size_t c : order) best.push_back({{"class", names_[c]}, {"probability", answer.probabilities[c]}});
        return {{"source", source}, {"unknown", answer.unknown}, {"best", best}};
    }

    // A name as it is, or escaped and in quotes where it would break the line.
    static std::string oneLine(const std::string& name) {
        const std::string quoted = quotedPath(name);
        return quoted.size() == name.size() + 2 ? name : quoted;
    }

    const std::vector<std::string>& names_;
    bool json_;
    int top_;
};

bool isNumber(const std::string& text) {
    return !text.empty() && text.size() < 4 && text.find_first_not_of("0123456789") == std::string::npos;
}

int classifyFolder(Classifier& classifier, const std::string& folder, bool strict, const Printer& print) {
    LabelledFiles list = listFilesBelow(folder, strict);
    size_t done = 0;
    forEachBatch(list.files, strict, list.skipped, [&](const LabelledBatch& batch) {
        const std::vector<Answer> answers = classifier.classify(batch.images, batch.paths);
        for (size_t i = 0; i < answers.size(); ++i) print(batch.paths[i], answers[i]);
        done += answers.size();
    });
    reportSkipped(list.skipped);
    if (done == 0) throw CannotDo("no image in " + quotedPath(folder));
    return 0;
}

int classifyVideo(Classifier& classifier, cv::VideoCapture& capture, const std::string& source, int frames,
                  const Printer& print) {
    if (!capture.isOpened()) throw CannotDo(quotedPath(source) + " is no image and OpenCV cannot open it as a video");
    cv::Mat frame;
    int count = 0;
    while ((frames == 0 || count < frames) && capture.read(frame)) {
        print(source + "#" + std::to_string(count), classifier.classify({frame}).front());
        ++count;
    }
    if (count == 0) throw CannotDo(quotedPath(source) + " gave no frame");
    return 0;
}

}  // namespace

int runClassify(const std::vector<std::string>& given) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()("json", "one JSON object a line")
        ("top", po::value<int>()->default_value(5), "classes listed with --json")
        ("frames", po::value<int>()->default_value(0), "frames of a video or camera; 0: all")
        ("strict", "stop at the first file that cannot be read")
        ("threads", po::value<int>()->default_value(0), "0: all cores");
    const Arguments arguments("hyperpred classify NET IMAGE|DIR|VIDEO|CAMERA [options]", options, {"NET", "SOURCE"},
                              given);
    if (arguments.helped()) return 0;
    useThreads(arguments);
    Classifier classifier = Classifier::open(arguments.get<std::string>("NET"));
    const std::string source = arguments.get<std::string>("SOURCE");
    const Printer print(classifier.description().classNames, arguments.has("json"),
                        std::max(1, arguments.get<int>("top")));
    const int frames = arguments.get<int>("frames");
    if (fs::is_directory(source)) return classifyFolder(classifier, source, arguments.has("strict"), print);
    if (isNumber(source) && !fs::exists(source)) {
        cv::VideoCapture camera(std::stoi(source));
        return classifyVideo(classifier, camera, source, frames, print);
    }
    if (!fs::exists(source)) throw WrongUse(quotedPath(source) + " does not exist");
    cv::Mat image;
    std::string reason;
    try {
        image = readImage(source);
    } catch (const cv::Exception& error) {
        reason = error.err;  // perhaps a video
    }
    if (reason.empty()) {
        print(source, classifier.classify({image}, {source}).front());
        return 0;
    }
    cv::VideoCapture video;
    if (!video.open(source)) throw CannotDo(reason);
    return classifyVideo(classifier, video, source, frames, print);
}

}  // namespace hyperpred
}  // namespace cv
