// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// The public header as OpenCV's own tests see it. OPENCV_TEST_DATA_PATH is the folder `data` of the repository.
#include <opencv2/imgcodecs.hpp>

#include "test_precomp.hpp"

namespace opencv_test {
namespace {

using namespace cv::hyperpred;

const char* const kNames[] = {"bolt", "gear", "spring"};

struct Labelled {
    std::vector<Mat> images;
    std::vector<int> labels;
};

// The first images of three of the bundled classes, class by class.
Labelled parts(const std::string& part, int each) {
    Labelled set;
    for (int label = 0; label < 3; ++label) {
        for (int i = 0; i < each; ++i) {
            const std::string path = cv::format("images/parts/%s/%s/%02d.jpg", part.c_str(), kNames[label], i);
            set.images.push_back(imread(findDataFile(path)));
            set.labels.push_back(label);
        }
    }
    return set;
}

Ptr<HyperPredictor> predictor() {
    return HyperPredictor::create(findDataFile("models/resnet18.safetensors"));
}

TEST(HyperPred, tells_bundled_parts_apart) {
    const Labelled support = parts("support", 11), heldout = parts("heldout", 7);
    const Ptr<HyperPredictor> hyper = predictor();
    hyper->add(support.images, support.labels);
    PredictOptions options;
    options.classNames.assign(kNames, kNames + 3);
    const Ptr<Prediction> prediction = hyper->predict(options);
    EXPECT_EQ(options.classNames, prediction->classNames());
    EXPECT_GT(prediction->expectedAccuracy(), 0.85);

    Mat labels, scores, unknown;
    prediction->classify(heldout.images, labels, scores, unknown);
    ASSERT_EQ(Size(1, 21), labels.size());
    ASSERT_EQ(Size(3, 21), scores.size());
    ASSERT_EQ(Size(1, 21), unknown.size());
    EXPECT_GE(countNonZero(labels == Mat(heldout.labels)), 18);  // of 21; chance is 7
    for (int i = 0; i < scores.rows; ++i) EXPECT_NEAR(1.0, cv::sum(scores.row(i))[0], 1e-5);
}

TEST(HyperPred, gives_the_same_bytes_in_any_order_and_batches) {
    const Labelled support = parts("support", 3);
    const Ptr<HyperPredictor> whole = predictor(), single = predictor();
    whole->add(support.images, support.labels);
    for (size_t i = support.images.size(); i-- > 0;) {
        single->add(std::vector<Mat>(1, support.images[i]), std::vector<int>(1, support.labels[i]));
    }
    EXPECT_EQ(9, single->size());
    EXPECT_EQ(whole->predict()->onnx(), single->predict()->onnx());
}

TEST(HyperPred, net_and_its_onnx_form_agree) {
    const Labelled support = parts("support", 5);
    const Ptr<HyperPredictor> hyper = predictor();
    hyper->add(support.images, support.labels);
    const Ptr<Prediction> prediction = hyper->predict();
    const std::vector<uchar> bytes = prediction->onnx();
    dnn::Net built = prediction->net(), read = dnn::readNetFromONNX(bytes);
    const Mat blob = dnn::blobFromImages(parts("heldout", 1).images, 1.0, prediction->inputSize(), Scalar(), true);
    built.setInput(blob);
    read.setInput(blob);
    // 1e-3 of logits of several units: the two fold and sum in another order.
    EXPECT_LE(cvtest::norm(built.forward("logits"), read.forward("logits"), NORM_INF), 1e-3);
}

TEST(HyperPred, progress_can_cancel) {
    const Labelled support = parts("support", 2);
    const Ptr<HyperPredictor> hyper = predictor();
    hyper->add(support.images, support.labels);
    PredictOptions options;
    options.progress = [](const String& stage, double) { return stage != "head"; };
    EXPECT_THROW(hyper->predict(options), cv::Exception);
    EXPECT_EQ(6, hyper->size());
    options.progress = nullptr;
    EXPECT_NO_THROW(hyper->predict(options));
}

TEST(HyperPred, refuses_in_a_sentence) {
    const Ptr<HyperPredictor> hyper = predictor();
    try {
        hyper->add(std::vector<Mat>(1, Mat(5, 7, CV_8UC2, Scalar::all(1))), std::vector<int>(1, 0));
        FAIL() << "an image of two channels was taken";
    } catch (const cv::Exception& error) {
        EXPECT_NE(std::string::npos, error.err.find("2 channel(s)")) << error.err;
    }
    EXPECT_EQ(0, hyper->size());
    EXPECT_THROW(HyperPredictor::create("no such file.safetensors"), cv::Exception);
}

}  // namespace
}  // namespace opencv_test
