// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE odd_support
#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/hyperpred.hpp>
#include <string>
#include <vector>

#include "drawn_network.hpp"

// Support sets at the edges of what is accepted, from the images to the network: each gives finite answers.

using namespace cv::hyperpred;
using cv::Mat;

namespace {

struct Model {
    Model()
        : path((std::filesystem::temp_directory_path() /
                ("hyperpred-odd-" + std::to_string(::getpid()) + ".safetensors"))
                   .string()) {
        test::writeDrawnModel(path, "residual", true);
    }
    ~Model() { std::filesystem::remove(path); }
    std::string path;
};

// Noise around a colour of the class: told apart with ease.
Mat noisy(int label, int index, int size = 19) {
    Mat image(size, size + 2, CV_8UC3);
    cv::RNG random(uint64_t(label) * 1000 + uint64_t(index) + 1);
    const int blue = 40 + label % 7 * 25, green = 40 + label / 7 % 7 * 25, red = 40 + label / 49 % 7 * 25;
    random.fill(image, cv::RNG::NORMAL, cv::Scalar(blue, green, red), cv::Scalar(12, 12, 12));
    return image;
}

// Predicts, classifies the given images and checks that every number of the answers is one.
nlohmann::json predicted(const std::string& model, const std::vector<Mat>& images, const std::vector<int>& labels,
                         const PredictOptions& options, Mat& answers) {
    const auto predictor = HyperPredictor::create(model);
    predictor->add(images, labels);
    const auto prediction = predictor->predict(options);
    Mat scores, unknown;
    prediction->classify(images, answers, scores, unknown);
    BOOST_TEST(cv::checkRange(scores, true, nullptr, 0, 1.0001));
    BOOST_TEST(std::abs(cv::sum(scores)[0] - double(images.size())) < 1e-3 * double(images.size()));
    BOOST_TEST(std::isfinite(prediction->threshold()));
    BOOST_TEST((prediction->expectedAccuracy() >= 0 && prediction->expectedAccuracy() <= 1));
    return nlohmann::json::parse(prediction->report());
}

int rightOnes(const Mat& answers, const std::vector<int>& labels) {
    int right = 0;
    for (size_t i = 0; i < labels.size(); ++i) right += answers.at<int>(int(i)) == labels[i] ? 1 : 0;
    return right;
}

PredictOptions withHead(const char* head) {
    PredictOptions options;
    options.head = head;
    return options;
}

const char* const kHeads[] = {"ridge", "cosine", "lda"};

}  // namespace

BOOST_FIXTURE_TEST_CASE(one_image_a_class, Model) {
    std::vector<Mat> images;
    std::vector<int> labels;
    for (int c = 0; c < 5; ++c) {
        images.push_back(noisy(9 * c, 0));
        labels.push_back(c);
    }
    for (const char* head : kHeads) {
        BOOST_TEST_CONTEXT(head) {
            Mat answers;
            predicted(path, images, labels, withHead(head), answers);
            BOOST_TEST(rightOnes(answers, labels) == 5);  // each is its own nearest
        }
    }
}

BOOST_FIXTURE_TEST_CASE(classes_of_one_and_of_a_thousand_images, Model) {
    std::vector<Mat> images(1, noisy(6, 0));
    std::vector<int> labels(1, 0);
    for (int i = 0; i < 1000; ++i) {
        images.push_back(noisy(42, i));
        labels.push_back(1);
    }
    for (const char* head : kHeads) {
        BOOST_TEST_CONTEXT(head) {
            Mat answers;
            PredictOptions options = withHead(head);
            options.sampleSize = 100;
            predicted(path, images, labels, options, answers);
            BOOST_TEST(answers.at<int>(0) == 0);  // classes weigh the same however many images they have
            BOOST_TEST(rightOnes(answers, labels) > 980);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(the_same_image_many_times, Model) {
    std::vector<Mat> images;
    std::vector<int> labels;
    for (int i = 0; i < 12; ++i) {
        images.push_back(noisy(i % 3 * 9, 0));
        labels.push_back(i % 3);
    }
    for (const char* head : kHeads) {
        BOOST_TEST_CONTEXT(head) {
            Mat answers;
            const auto report = predicted(path, images, labels, withHead(head), answers);
            BOOST_TEST(report["conflicts"].empty());
            BOOST_TEST(rightOnes(answers, labels) == 12);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(all_images_identical_or_black, Model) {
    const std::vector<int> labels = {0, 0, 1, 1, 2};
    for (const Mat& one : {noisy(3, 1), Mat(17, 13, CV_8UC3, cv::Scalar::all(0))}) {
        for (const char* head : kHeads) {
            BOOST_TEST_CONTEXT(head) {
                Mat answers;
                const auto report = predicted(path, std::vector<Mat>(5, one), labels, withHead(head), answers);
                BOOST_TEST(!report["conflicts"].empty());  // no classifier can be right here, and the report says why
            }
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_thousand_classes_and_one_more, Model) {
    std::vector<Mat> images;
    std::vector<int> labels;
    for (int c = 0; c < 1001; ++c) {
        images.push_back(noisy(c, 0, 8));
        labels.push_back(c);
    }
    const auto predictor = HyperPredictor::create(path);
    predictor->add(images, labels);
    BOOST_CHECK_EXCEPTION(predictor->predict(), cv::Exception, [](const cv::Exception& error) {
        return error.err.find("1001 classes: more than 1000 need the option `many`") != std::string::npos;
    });
    images.pop_back();
    labels.pop_back();
    Mat answers;
    predicted(path, images, labels, PredictOptions(), answers);
    BOOST_TEST(answers.rows == 1000);
}
