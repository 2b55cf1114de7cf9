// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "prediction.hpp"

#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "atomic_file.hpp"
#include "error.hpp"
#include "hash.hpp"
#include "hypernetwork.hpp"
#include "mat_list.hpp"
#include "net_opencv.hpp"

namespace cv {
namespace hyperpred {

namespace {

class PredictionImpl : public Prediction {
public:
    explicit PredictionImpl(PredictionContents contents) : contents_(std::move(contents)) {}

    dnn::Net net() const override { return emitOpenCV(contents_.graph); }

    Size inputSize() const override { return Size(contents_.graph.size, contents_.graph.size); }

    void writeONNX(const String& path, const String& support) const override {
        const std::vector<uchar> net = onnx();
        if (support.empty()) return writeAtomically(path, allOf(net));
        const std::vector<uint8_t> kept = supportBytes(support, net);
        // The support file first, as Updater::write() does it.
        writeTogether({{support, allOf(kept)}, {path, allOf(net)}});
    }

    std::vector<uchar> onnx() const override {
        return emitOnnx(contents_.graph, contents_.format, contents_.quantisation);
    }

    void writeSupport(const String& path) const override {
        writeAtomically(path, allOf(supportBytes(path, onnx())));
    }

    void writeModel(const String& path) const override {
        if (!contents_.architecture) {
            fail(Failure::BadArgument, "the weights were not kept: predict with PredictOptions::keepWeights");
        }
        const nlohmann::json report = nlohmann::json::parse(std::string(contents_.report));
        const nlohmann::json training = {{"stage", "prediction"},
                                         {"weights", report.at("weights")},
                                         {"images", report.at("images")},
                                         {"classes", report.at("classes")}};
        writeBaseModel(path, *contents_.architecture, contents_.weights, training.dump());
    }

    std::vector<String> classNames() const override { return contents_.description.classNames; }

    void classify(InputArrayOfArrays images, OutputArray labels, OutputArray scores,
                  OutputArray unknown) const override {
        std::vector<Answer> answers;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (!classifier_) {
                classifier_ = std::make_unique<Classifier>(emitOpenCV(contents_.graph), contents_.description);
            }
            answers = classifier_->classify(toMats(images));
        }
        const int rows = int(answers.size()), classes = int(contents_.description.classNames.size());
        cv::Mat label(rows, 1, CV_32S), score(rows, classes, CV_32F), flag(rows, 1, CV_8U);
        for (int i = 0; i < rows; ++i) {
            const Answer& answer = answers[size_t(i)];
            label.at<int>(i) = answer.label;
            flag.at<uchar>(i) = answer.unknown ? 255 : 0;
            std::copy(answer.probabilities.begin(), answer.probabilities.end(), score.ptr<float>(i));
        }
        label.copyTo(labels);
        if (scores.needed()) score.copyTo(scores);
        if (unknown.needed()) flag.copyTo(unknown);
    }

    double expectedAccuracy() const override { return contents_.expectedAccuracy; }
    std::vector<Suspect> suspects() const override { return contents_.suspects; }
    std::vector<Suspect> dropped() const override { return contents_.dropped; }
    double threshold() const override { return double(contents_.description.threshold); }
    String device() const override { return contents_.device; }
    String report() const override { return contents_.report; }

private:
    // `net`: onnx().
    std::vector<uint8_t> supportBytes(const std::string& path, const std::vector<uint8_t>& net) const {
        if (!contents_.support) {
            fail(Failure::BadArgument, "the features were not kept: predict with PredictOptions::keepSupport");
        }
        const std::vector<uint8_t> body = onnxBody(net, "the predicted network");
        SupportFeatures support = *contents_.support;
        support.network = onnxChecksum(net);
        support.body = contentHash(body.data(), body.size());
        return supportFileBytes(path, std::move(support));
    }

    PredictionContents contents_;
    mutable std::mutex mutex_;
    mutable std::unique_ptr<Classifier> classifier_;  // made at the first classify()
};

}  // namespace

Ptr<Prediction> makePrediction(PredictionContents contents) {
    return makePtr<PredictionImpl>(std::move(contents));
}

}  // namespace hyperpred
}  // namespace cv
