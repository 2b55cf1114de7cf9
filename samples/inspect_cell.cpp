// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// An inspection cell: parts come along one at a time, and each gets a verdict when it has passed the middle of the
// picture: which part it is, whether it is one of those that should come, or unknown.
//   hyperpred_sample_inspect_cell parts --model=resnet18.safetensors --source=belt.avi --expect=gear,bolt
#include <cstdio>
#include <filesystem>
#include <map>
#include <opencv2/core/utility.hpp>
#include <opencv2/highgui.hpp>
#include <opencv2/hyperpred.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

using namespace cv::hyperpred;

namespace {

const char* const kOptions =
    "{help h    |                     | show this text}"
    "{@folder   |<none>               | folder with one sub-folder of images a part}"
    "{model m   |resnet18.safetensors | hypernetwork file}"
    "{source s  |0                    | camera number or video file; its first frame shows the empty belt}"
    "{expect e  |                     | parts that should come, with commas; where not given, all of the folder}"
    "{rejected r|0.1                  | share of the folder's images that may be called unknown}"
    "{headless  |                     | print the verdicts instead of opening a window}";

cv::Ptr<Prediction> learn(const std::string& folder, const cv::String& model, double rejected) {
    const auto predictor = HyperPredictor::create(model);
    PredictOptions how;
    how.rejected = rejected;
    std::vector<cv::String> files;
    cv::glob(folder, files, true);  // sorted, so part by part
    for (const cv::String& file : files) {
        const cv::Mat image = cv::imread(file);
        if (image.empty()) continue;
        const std::string part = std::filesystem::path(file).parent_path().filename().string();
        if (how.classNames.empty() || how.classNames.back() != part) how.classNames.push_back(part);
        predictor->add(image, std::vector<int>{int(how.classNames.size()) - 1});
    }
    return predictor->predict(how);
}

// Column of the middle of what lies on the belt, or -1 where it is empty.
double middleOfPart(const cv::Mat& frame, const cv::Mat& emptyBelt) {
    cv::Mat difference, part;
    cv::absdiff(frame, emptyBelt, difference);
    cv::cvtColor(difference > 30, part, cv::COLOR_BGR2GRAY);  // not 0 where one of the colours is another
    const cv::Moments moments = cv::moments(part, true);
    return moments.m00 < 0.02 * double(frame.total()) ? -1 : moments.m10 / moments.m00;
}

// All frames of one part vote. `expected`: names between commas, or ",," for any of the folder.
std::string judge(const Prediction& prediction, const std::vector<cv::Mat>& frames, const std::string& expected) {
    cv::Mat labels, scores, unknown, mean;
    prediction.classify(frames, labels, scores, unknown);
    cv::reduce(scores, mean, 0, cv::REDUCE_AVG);
    cv::Point best;
    cv::minMaxLoc(mean, nullptr, nullptr, nullptr, &best);
    const bool refused = 2 * cv::countNonZero(unknown) > int(frames.size());
    const std::string part = refused ? "unknown" : prediction.classNames()[size_t(best.x)];
    const bool listed = expected == ",," || expected.find("," + part + ",") != std::string::npos;
    return part + (listed && !refused ? ": OK" : ": OUT");
}

int show(cv::Mat frame, const std::string& verdict) {
    const cv::Scalar colour = verdict.find(": OK") != cv::String::npos ? cv::Scalar(0, 200, 0) : cv::Scalar(0, 0, 230);
    cv::resize(frame, frame, cv::Size(), 4, 4, cv::INTER_CUBIC);
    cv::rectangle(frame, cv::Rect(cv::Point(), frame.size()), colour, 6);
    cv::putText(frame, verdict, {12, 32}, cv::FONT_HERSHEY_SIMPLEX, 0.9, colour, 2, cv::LINE_AA);
    cv::imshow("hyperpred", frame);
    return cv::waitKey(60);
}

void inspect(const Prediction& prediction, cv::VideoCapture& capture, const std::string& expected, bool headless) {
    cv::Mat frame, emptyBelt;
    if (!capture.read(emptyBelt)) CV_Error(cv::Error::StsObjectNotFound, "the source gives no frame");
    std::vector<cv::Mat> passing;
    std::map<std::string, int> counts;
    std::string verdict;
    for (int number = 1; capture.read(frame) || !passing.empty(); ++number) {  // the last may not have left
        const double middle = frame.empty() ? -1 : middleOfPart(frame, emptyBelt);
        if (middle > 0.35 * frame.cols && middle < 0.65 * frame.cols) {
            passing.push_back(frame.clone());
        } else if (!passing.empty()) {
            verdict = judge(prediction, passing, expected);
            ++counts[verdict];
            std::printf("%d\t%s\n", number, verdict.c_str());
            passing.clear();
        }
        if (!frame.empty() && !headless && show(frame, verdict) == 27) break;  // Escape
    }
    for (const auto& count : counts) std::printf("%6d  %s\n", count.second, count.first.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    const cv::CommandLineParser options(argc, argv, kOptions);
    if (options.has("help") || !options.has("@folder")) {
        options.printMessage();
        return options.has("help") ? 0 : 2;
    }
    try {
        const auto prediction = learn(options.get<std::string>("@folder"), options.get<cv::String>("model"),
                                      options.get<double>("rejected"));
        const std::string source = options.get<std::string>("source");
        const bool camera = !source.empty() && source.find_first_not_of("0123456789") == std::string::npos;
        cv::VideoCapture capture;
        camera ? capture.open(std::stoi(source)) : capture.open(source);
        inspect(*prediction, capture, "," + options.get<std::string>("expect") + ",", options.has("headless"));
        return 0;
    } catch (const cv::Exception& error) {
        std::fprintf(stderr, "%s\n", error.err.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    return 2;
}
