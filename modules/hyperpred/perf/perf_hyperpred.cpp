// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// What a user waits for, in the form of OpenCV's ts. OPENCV_TEST_DATA_PATH is the folder `data` of the repository;
// hyperpred_bench measures the stages and compares with other ways.
#include <opencv2/imgcodecs.hpp>

#include "perf_precomp.hpp"

namespace opencv_test {
namespace {

using namespace perf;
using namespace cv::hyperpred;

const char* const kNames[] = {"bolt", "gear", "spring"};

struct Labelled {
    std::vector<Mat> images;
    std::vector<int> labels;
};

Labelled supportImages(int each) {
    Labelled set;
    for (int label = 0; label < 3; ++label) {
        for (int i = 0; i < each; ++i) {
            set.images.push_back(
                imread(findDataFile(cv::format("images/parts/support/%s/%02d.jpg", kNames[label], i))));
            set.labels.push_back(label);
        }
    }
    return set;
}

Ptr<HyperPredictor> predictorWith(const Labelled& set) {
    const Ptr<HyperPredictor> hyper = HyperPredictor::create(findDataFile("models/resnet18.safetensors"));
    hyper->add(set.images, set.labels);
    return hyper;
}

PERF_TEST(HyperPred, create) {
    const std::string model = findDataFile("models/resnet18.safetensors");
    TEST_CYCLE() HyperPredictor::create(model);
    SANITY_CHECK_NOTHING();
}

// Conversion to the network's size; the edge of the source image is the parameter.
typedef TestBaseWithParam<int> HyperPred_add;
PERF_TEST_P(HyperPred_add, edge, testing::Values(64, 640)) {
    const int edge = GetParam();
    Mat image(edge, edge, CV_8UC3);
    randu(image, 0, 256);
    const Labelled set{std::vector<Mat>(100, image), std::vector<int>(100, 0)};
    const Ptr<HyperPredictor> hyper = HyperPredictor::create(findDataFile("models/resnet18.safetensors"));
    TEST_CYCLE() {
        hyper->clear();
        hyper->add(set.images, set.labels);
    }
    SANITY_CHECK_NOTHING();
}

// The number of support images a class is the parameter.
typedef TestBaseWithParam<int> HyperPred_predict;
PERF_TEST_P(HyperPred_predict, each, testing::Values(1, 20)) {
    const Ptr<HyperPredictor> hyper = predictorWith(supportImages(GetParam()));
    Ptr<Prediction> prediction;
    TEST_CYCLE() prediction = hyper->predict();
    SANITY_CHECK_NOTHING();
}

// The number of images in one call is the parameter.
typedef TestBaseWithParam<int> HyperPred_classify;
PERF_TEST_P(HyperPred_classify, count, testing::Values(1, 16)) {
    const Labelled set = supportImages(8);
    const Ptr<Prediction> prediction = predictorWith(set)->predict();
    const std::vector<Mat> queries(set.images.begin(), set.images.begin() + GetParam());
    Mat labels;
    prediction->classify(queries, labels);  // the first call builds the network
    TEST_CYCLE() prediction->classify(queries, labels);
    SANITY_CHECK_NOTHING();
}

}  // namespace
}  // namespace opencv_test
