// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// Classifies image files with a network that hyperpred wrote. The smallest such program: four modules of OpenCV, no
// window, no video, and nothing of hyperpred, so it is what a small computer needs (doc/edge.md).
//   hyperpred_sample_classify_image flowers.onnx a.jpg b.png
// Prints file, class and probability, with tabs between them. The class names are in flowers.names, which
// hyperpred_sample_predict_folder writes.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace {

const int kSize = 64;  // edge of the network's input in pixels; "hyperpred info" prints it

std::vector<std::string> readNames(const std::string& net) {
    const std::string path = std::filesystem::path(net).replace_extension(".names").string();
    std::ifstream in(path);
    if (!in) CV_Error(cv::Error::StsObjectNotFound, "class names: cannot open \"" + path + "\"");
    std::vector<std::string> names;
    for (std::string line; std::getline(in, line);) names.push_back(line);
    return names;
}

void classify(cv::dnn::Net& net, const std::string& path, const std::vector<std::string>& names) {
    const cv::Mat image = cv::imread(path);
    if (image.empty()) CV_Error(cv::Error::StsObjectNotFound, "\"" + path + "\" is no image that OpenCV reads");
    cv::Mat small;  // as hyperpred does it: by area when the image shrinks, cubic when it grows
    const bool shrinks = image.cols > kSize;
    cv::resize(image, small, cv::Size(kSize, kSize), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_CUBIC);
    net.setInput(cv::dnn::blobFromImage(small, 1.0, cv::Size(kSize, kSize), cv::Scalar(), true, false));
    const cv::Mat scores = net.forward("probabilities").reshape(1, 1);
    if (scores.total() != names.size()) {
        CV_Error(cv::Error::StsBadSize,
                 cv::format("the network knows %zu classes, the names are %zu", scores.total(), names.size()));
    }
    cv::Point best;
    double score = 0;
    cv::minMaxLoc(scores, nullptr, &score, nullptr, &best);
    std::printf("%s\t%s\t%.6f\n", path.c_str(), names[size_t(best.x)].c_str(), score);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: hyperpred_sample_classify_image NET.onnx IMAGE...\n");
        return 2;
    }
    try {
        cv::dnn::Net net = cv::dnn::readNetFromONNX(argv[1]);
        const std::vector<std::string> names = readNames(argv[1]);
        for (int i = 2; i < argc; ++i) classify(net, argv[i], names);
    } catch (const cv::Exception& error) {
        std::fprintf(stderr, "%s\n", error.err.c_str());
        return 2;
    }
    return 0;
}
