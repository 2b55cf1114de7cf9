// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// Predicts a network for a folder of images, one sub-folder a class, and writes it as ONNX:
//   hyperpred_sample_predict_folder flowers --model=resnet18.safetensors --out=flowers.onnx
// Beside it goes flowers.names, one class a line, which hyperpred_sample_classify_camera reads.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <opencv2/hyperpred.hpp>
#include <opencv2/imgcodecs.hpp>

namespace fs = std::filesystem;
using namespace cv::hyperpred;

namespace {

const char* const kOptions =
    "{help h |                     | show this text}"
    "{@folder|<none>               | folder with one sub-folder of images a class}"
    "{model m|resnet18.safetensors | hypernetwork file}"
    "{out o  |net.onnx             | ONNX file to write}"
    "{head   |ridge                | classifier on the features: ridge, cosine or lda}"
    "{backend|auto                 | auto, cpu, cuda or reference}";

const size_t kBatch = 256;  // images in memory at once; the predictor keeps what it needs

struct Folder {
    std::vector<cv::String> names;   // classes with at least one image, by label
    std::vector<std::string> paths;  // in the order of HyperPredictor::add
};

std::vector<fs::path> sorted(const fs::path& folder) {
    std::vector<fs::path> entries;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.path().filename().string().front() != '.') entries.push_back(entry.path());
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

// A label is given with the first image of a class that can be read, so that labels have no gap.
Folder addFolder(HyperPredictor& predictor, const fs::path& folder) {
    Folder result;
    std::vector<cv::Mat> images;
    std::vector<int> labels;
    const auto flush = [&] {
        if (!images.empty()) predictor.add(images, labels);
        images.clear();
        labels.clear();
    };
    for (const fs::path& classFolder : sorted(folder)) {
        if (!fs::is_directory(classFolder)) continue;
        bool first = true;
        for (const fs::path& file : sorted(classFolder)) {
            const cv::Mat image = fs::is_regular_file(file) ? cv::imread(file.string()) : cv::Mat();
            if (image.empty()) {
                std::fprintf(stderr, "skipped, not an image: %s\n", file.string().c_str());
                continue;
            }
            if (first) result.names.push_back(classFolder.filename().string()), first = false;
            images.push_back(image);
            labels.push_back(int(result.names.size()) - 1);
            result.paths.push_back(file.string());
            if (images.size() == kBatch) flush();
        }
    }
    flush();
    return result;
}

bool showProgress(const cv::String& stage, double done) {
    std::fprintf(stderr, "\r%-24s %3.0f %%%s", stage.c_str(), 100 * done, done < 1 ? "" : "\n");
    return true;  // false would cancel
}

void predict(const cv::CommandLineParser& options) {
    const cv::Ptr<HyperPredictor> predictor =
        HyperPredictor::create(options.get<cv::String>("model"), options.get<cv::String>("backend"));
    const Folder folder = addFolder(*predictor, options.get<std::string>("@folder"));
    PredictOptions how;
    how.head = options.get<cv::String>("head");
    how.classNames = folder.names;
    how.progress = showProgress;
    const cv::Ptr<Prediction> prediction = predictor->predict(how);
    const fs::path out = options.get<std::string>("out");
    prediction->writeONNX(out.string());
    std::ofstream names(fs::path(out).replace_extension(".names"));
    for (const cv::String& name : folder.names) names << name << "\n";
    if (!names.flush()) CV_Error(cv::Error::StsError, "cannot write the class names beside \"" + out.string() + "\"");

    std::printf("%d images of %zu classes on %s, expected accuracy %.2f %%\n", predictor->size(), folder.names.size(),
                prediction->device().c_str(), 100 * prediction->expectedAccuracy());
    for (const Suspect& suspect : prediction->suspects()) {
        std::printf("suspect: %s is labelled %s, looks like %s (margin %.2f)\n",
                    folder.paths[size_t(suspect.image)].c_str(), folder.names[size_t(suspect.label)].c_str(),
                    folder.names[size_t(suspect.predicted)].c_str(), double(suspect.margin));
    }
    std::printf("written: %s (input size %d)\n", out.string().c_str(), prediction->inputSize().width);
}

}  // namespace

int main(int argc, char** argv) {
    const cv::CommandLineParser options(argc, argv, kOptions);
    if (options.has("help") || !options.has("@folder")) {
        options.printMessage();
        return options.has("help") ? 0 : 2;
    }
    try {
        predict(options);
        return 0;
    } catch (const cv::Exception& error) {
        std::fprintf(stderr, "%s\n", error.err.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    return 2;
}
