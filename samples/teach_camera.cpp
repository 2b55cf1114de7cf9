// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// Teaches classes on the fly: hold a thing before the camera and press a digit; what comes then is named by that digit.
// Press it again to show another side; two classes are enough. Each press predicts anew. Key s saves, Escape ends.
//   hyperpred_sample_teach_camera --model=resnet18.safetensors --source=0
#include <cstdio>
#include <map>
#include <opencv2/core/utility.hpp>
#include <opencv2/highgui.hpp>
#include <opencv2/hyperpred.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>

using namespace cv::hyperpred;

namespace {

const char* const kOptions =
    "{help h  |                     | show this text}"
    "{model m |resnet18.safetensors | hypernetwork file}"
    "{source s|0                    | camera number or video file}"
    "{out o   |net.onnx             | where key s saves the network}"
    "{loops   |1                    | how often a video file is shown}"
    "{keys    |                     | keys that press themselves, by frame, e.g. 7:1,21:2,40:s}"
    "{headless|                     | print a line a frame instead of opening a window}";

// What has been shown so far, and the network predicted from it.
class Lessons {
public:
    explicit Lessons(const cv::String& model) : predictor_(HyperPredictor::create(model)) {}

    // Labels are given in the order in which the digits first come: a new digit is the next class.
    void teach(const cv::Mat& frame, char digit) {
        const auto known = labels_.emplace(digit, int(labels_.size()));
        if (known.second) names_.push_back(cv::String(1, digit));
        predictor_->add(frame, std::vector<int>{known.first->second});
        if (names_.size() < 2) return;
        PredictOptions how;
        how.classNames = names_;
        prediction_ = predictor_->predict(how);
        std::fprintf(stderr, "predicted from %d images of %zu classes\n", predictor_->size(), names_.size());
    }

    std::string nameOf(const cv::Mat& frame) const {
        if (!prediction_) return "teach me: press a digit";
        cv::Mat label, scores, unknown;
        prediction_->classify(frame, label, scores, unknown);
        const int best = label.at<int>(0);
        return cv::format("%s %.0f %%%s", names_[size_t(best)].c_str(), 100 * double(scores.at<float>(0, best)),
                          unknown.at<uchar>(0) != 0 ? ", but unlike what was shown" : "");
    }

    void save(const std::string& path) const {
        if (prediction_) prediction_->writeONNX(path);
    }

private:
    cv::Ptr<HyperPredictor> predictor_;
    cv::Ptr<Prediction> prediction_;
    std::map<char, int> labels_;
    std::vector<cv::String> names_;
};

std::map<int, char> scriptedKeys(const std::string& text) {
    std::map<int, char> keys;
    std::istringstream in(text);
    int frame = 0;
    char colon = 0, key = 0, comma = 0;
    for (; in >> frame >> colon >> key; in >> comma) keys[frame] = key;
    return keys;
}

int shown(cv::Mat frame, const std::string& name) {
    if (frame.rows < 300) cv::resize(frame, frame, cv::Size(), 4, 4, cv::INTER_CUBIC);
    cv::putText(frame, name, {12, 32}, cv::FONT_HERSHEY_SIMPLEX, 0.9, cv::Scalar::all(255), 2, cv::LINE_AA);
    cv::imshow("hyperpred", frame);
    return cv::waitKey(40);
}

void run(const cv::CommandLineParser& options) {
    Lessons lessons(options.get<cv::String>("model"));
    const std::map<int, char> keys = scriptedKeys(options.get<std::string>("keys"));
    const std::string source = options.get<std::string>("source");
    const bool camera = !source.empty() && source.find_first_not_of("0123456789") == std::string::npos;
    int number = 0;
    for (int loop = 0; loop < options.get<int>("loops"); ++loop) {
        cv::VideoCapture capture;
        camera ? capture.open(std::stoi(source)) : capture.open(source);
        for (cv::Mat frame; capture.read(frame); ++number) {
            const std::string name = lessons.nameOf(frame);
            if (options.has("headless")) std::printf("%d\t%s\n", number, name.c_str());
            const int pressed = options.has("headless") ? -1 : shown(frame.clone(), name);
            const int key = keys.count(number) > 0 ? keys.at(number) : pressed;
            if (key == 27) return;
            if (key == 's') lessons.save(options.get<std::string>("out"));
            if (key >= '0' && key <= '9') lessons.teach(frame, char(key));
        }
    }
    if (number == 0) CV_Error(cv::Error::StsObjectNotFound, "\"" + source + "\" gave no frame");
}

}  // namespace

int main(int argc, char** argv) {
    const cv::CommandLineParser options(argc, argv, kOptions);
    if (options.has("help")) {
        options.printMessage();
        return 0;
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
