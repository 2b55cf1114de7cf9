// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// Classifies what a camera, video or image sequence shows, by a network that hyperpred wrote. Needs OpenCV alone.
//   hyperpred_sample_classify_camera flowers.onnx --source=0
//   hyperpred_sample_classify_camera flowers.onnx --source=frame_%03d.png --headless
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/highgui.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

namespace {

const char* const kOptions =
    "{help h   |       | show this text}"
    "{@net     |<none> | ONNX file of hyperpred}"
    "{source s |0      | camera number, video file, or image sequence such as frame_%03d.png}"
    "{names n  |       | text file with one class a line; the network's path with .names where not given}"
    "{size     |64     | edge of the network's input in pixels (hyperpred info prints it)}"
    "{unknown u|-1e9   | greatest familiarity below which a frame shows no class (hyperpred info prints the threshold)}"
    "{headless |       | print a line a frame instead of opening a window}"
    "{save     |       | with --headless: an existing folder to write the frames to}"
    "{frames   |0      | stop after so many frames; 0: at the end}";

struct Answer {
    std::string name;
    float score = 0;  // probability
};

std::vector<std::string> readNames(const std::string& path) {
    std::ifstream in(path);
    if (!in) CV_Error(cv::Error::StsObjectNotFound, "class names: cannot open \"" + path + "\"; see --names");
    std::vector<std::string> names;
    for (std::string line; std::getline(in, line);) names.push_back(line);
    return names;
}

Answer classify(cv::dnn::Net& net, const cv::Mat& frame, int size, float unknown,
                const std::vector<std::string>& names) {
    cv::Mat small;  // as hyperpred does it; blobFromImage's own resizing would pick single pixels of a large frame
    cv::resize(frame, small, cv::Size(size, size), 0, 0, frame.cols > size ? cv::INTER_AREA : cv::INTER_CUBIC);
    net.setInput(cv::dnn::blobFromImage(small, 1.0, cv::Size(size, size), cv::Scalar(), true, false));
    std::vector<cv::Mat> outputs;
    net.forward(outputs, std::vector<cv::String>{"logits", "probabilities", "familiarity"});
    if (int(outputs[0].total()) != int(names.size())) {
        CV_Error(cv::Error::StsBadSize, cv::format("the network knows %d classes, the names are %d",
                                                   int(outputs[0].total()), int(names.size())));
    }
    double familiarity = 0;
    cv::Point best;
    cv::minMaxLoc(outputs[1].reshape(1, 1), nullptr, nullptr, nullptr, &best);
    cv::minMaxLoc(outputs[2].reshape(1, 1), nullptr, &familiarity);
    Answer answer;
    answer.score = outputs[1].ptr<float>()[best.x];
    answer.name = familiarity < double(unknown) ? "unknown" : names[size_t(best.x)];
    return answer;
}

void draw(cv::Mat& frame, const Answer& answer, double fps) {
    const std::string text = cv::format("%s  %.0f %%  %.0f FPS", answer.name.c_str(), 100 * double(answer.score), fps);
    cv::putText(frame, text, {10, 30}, cv::FONT_HERSHEY_SIMPLEX, 0.8, cv::Scalar::all(0), 4, cv::LINE_AA);
    cv::putText(frame, text, {10, 30}, cv::FONT_HERSHEY_SIMPLEX, 0.8, cv::Scalar::all(255), 1, cv::LINE_AA);
}

void run(const cv::CommandLineParser& options) {
    const std::string path = options.get<std::string>("@net"), source = options.get<std::string>("source");
    const std::string beside = std::filesystem::path(path).replace_extension(".names").string();
    const std::vector<std::string> names = readNames(options.has("names") ? options.get<std::string>("names") : beside);
    cv::dnn::Net net = cv::dnn::readNetFromONNX(path);
    cv::VideoCapture capture;
    const bool camera = !source.empty() && source.find_first_not_of("0123456789") == std::string::npos;
    if (!(camera ? capture.open(std::stoi(source)) : capture.open(source))) {
        CV_Error(cv::Error::StsObjectNotFound, "cannot open \"" + source + "\" as a camera, video or image sequence");
    }
    const bool headless = options.has("headless");
    const int size = options.get<int>("size"), limit = options.get<int>("frames");
    const float unknown = options.get<float>("unknown");
    cv::TickMeter meter;
    cv::Mat frame;
    for (int count = 0; (limit == 0 || count < limit) && capture.read(frame); ++count) {
        meter.start();
        const Answer answer = classify(net, frame, size, unknown, names);
        meter.stop();
        if (headless) std::printf("%d\t%s\t%.4f\n", count, answer.name.c_str(), double(answer.score));
        if (headless && !options.has("save")) continue;
        draw(frame, answer, meter.getFPS());
        if (headless) {
            const std::string file = options.get<std::string>("save") + cv::format("/frame_%06d.png", count);
            if (!cv::imwrite(file, frame)) CV_Error(cv::Error::StsError, "cannot write \"" + file + "\"");
            continue;
        }
        cv::imshow("hyperpred", frame);
        if (cv::waitKey(1) == 27) break;  // Escape
    }
    if (meter.getCounter() == 0) CV_Error(cv::Error::StsObjectNotFound, "\"" + source + "\" gave no frame");
    std::fprintf(stderr, "%.1f ms a frame\n", meter.getAvgTimeMilli());
}

}  // namespace

int main(int argc, char** argv) {
    const cv::CommandLineParser options(argc, argv, kOptions);
    if (options.has("help") || !options.has("@net")) {
        options.printMessage();
        return options.has("help") ? 0 : 2;
    }
    try {
        run(options);
        return 0;
    } catch (const cv::Exception& error) {
        std::fprintf(stderr, "%s\n", error.err.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    return 2;
}
