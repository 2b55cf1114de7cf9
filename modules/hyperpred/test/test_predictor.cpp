// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE predictor
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <opencv2/hyperpred.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <thread>
#include <unistd.h>

#include "drawn_network.hpp"
#include "drawn_shapes.hpp"

using namespace cv::hyperpred;
using cv::Mat;
using test::drawShapes;
using test::Images;

namespace {

// What the Net and the library's own forward pass may differ by: sums of a few hundred floats in other orders.
const double kTolerance = 1e-5;

struct ModelFixture {
    ModelFixture()
        : folder(std::filesystem::temp_directory_path() / ("hyperpred-predictor-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(folder);
        model = (folder / "tiny.safetensors").string();
        test::writeDrawnModel(model, "residual", true);
    }
    ~ModelFixture() { std::filesystem::remove_all(folder); }
    std::filesystem::path folder;
    std::string model;
};

std::vector<uchar> bytesOf(const std::string& model, const Images& set, int batch, int threads,
                           const PredictOptions& options = PredictOptions()) {
    const auto predictor = HyperPredictor::create(model, "cpu", threads);
    for (size_t first = 0; first < set.images.size(); first += size_t(batch)) {
        const size_t end = std::min(set.images.size(), first + size_t(batch));
        predictor->add(std::vector<Mat>(set.images.begin() + long(first), set.images.begin() + long(end)),
                       std::vector<int>(set.labels.begin() + long(first), set.labels.begin() + long(end)));
    }
    return predictor->predict(options)->onnx();
}

Images shuffled(const Images& set, unsigned seed) {
    std::vector<size_t> order(set.images.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    Images result;
    for (const size_t i : order) {
        result.images.push_back(set.images[i]);
        result.labels.push_back(set.labels[i]);
    }
    return result;
}

std::string sentenceOf(const std::function<void()>& call) {
    try {
        call();
    } catch (const cv::Exception& error) {
        return error.err;
    }
    return "";
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(learns_shapes_from_few_images, ModelFixture) {
    const Images support = drawShapes(4, 80, 1), query = drawShapes(4, 20, 2);
    const auto predictor = HyperPredictor::create(model);
    predictor->add(support.images, support.labels);
    const auto prediction = predictor->predict();
    Mat labels, scores, unknown;
    prediction->classify(query.images, labels, scores, unknown);
    int right = 0;
    for (int i = 0; i < labels.rows; ++i) right += labels.at<int>(i) == query.labels[size_t(i)] ? 1 : 0;
    BOOST_TEST(right >= 45);  // of 80; chance is 20, the weights are random, only the head learns
    BOOST_TEST(std::abs(prediction->expectedAccuracy() - right / 80.0) < 0.2);
    for (int i = 0; i < scores.rows; ++i) BOOST_TEST(std::abs(cv::sum(scores.row(i))[0] - 1) < 1e-4);
    BOOST_TEST(unknown.type() == CV_8U);
}

BOOST_FIXTURE_TEST_CASE(same_bytes_whatever_threads_order_and_batches, ModelFixture) {
    const Images set = drawShapes(5, 13, 3);
    PredictOptions options;
    options.sampleSize = 33;  // so that sample and rest both run
    const std::vector<uchar> bytes = bytesOf(model, set, 1000, 1, options);
    BOOST_TEST((bytes == bytesOf(model, set, 1000, 2, options)));
    BOOST_TEST((bytes == bytesOf(model, set, 1000, 4, options)));
    BOOST_TEST((bytes == bytesOf(model, set, 1, 2, options)));
    BOOST_TEST((bytes == bytesOf(model, set, 7, 2, options)));
    BOOST_TEST((bytes == bytesOf(model, shuffled(set, 1), 9, 2, options)));
    Images other = set;
    other.labels[0] = 1;
    BOOST_TEST((bytes != bytesOf(model, other, 1000, 2, options)));
}

BOOST_FIXTURE_TEST_CASE(smaller_formats_of_one_prediction, ModelFixture) {
    const Images set = drawShapes(3, 11, 4);
    PredictOptions options;
    const size_t whole = bytesOf(model, set, 1000, 1, options).size();
    options.format = "onnx-fp16";
    BOOST_TEST(bytesOf(model, set, 1000, 1, options).size() < 0.7 * double(whole));
    options.format = "onnx-int8";
    const std::vector<uchar> bytes = bytesOf(model, set, 1000, 1, options);
    BOOST_TEST(bytes.size() < whole);
    BOOST_TEST((bytes == bytesOf(model, shuffled(set, 1), 7, 2, options)));  // calibrated on the same images
    options.format = "tflite";
    BOOST_TEST(sentenceOf([&] { bytesOf(model, set, 1000, 1, options); }).find("\"tflite\"") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(net_and_onnx_agree, ModelFixture) {
    const Images set = drawShapes(3, 11, 4);
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    const auto prediction = predictor->predict();
    const std::string path = (folder / "net.onnx").string();
    prediction->writeONNX(path);
    cv::dnn::Net direct = prediction->net(), read = cv::dnn::readNetFromONNX(path);
    std::vector<Mat> resized;
    for (const Mat& image : set.images) {
        Mat same;
        cv::resize(image, same, prediction->inputSize());
        resized.push_back(same);
    }
    const Mat blob = cv::dnn::blobFromImages(resized, 1.0, prediction->inputSize(), cv::Scalar(), true, false);
    std::vector<Mat> a, b, one;
    const std::vector<cv::String> names = {"logits", "features", "familiarity", "probabilities"};
    direct.setInput(blob);
    direct.forward(a, names);
    read.setInput(blob);
    read.forward(b, names);
    for (size_t i = 0; i < names.size(); ++i) {
        BOOST_TEST(cv::norm(a[i].reshape(1, 1), b[i].reshape(1, 1), cv::NORM_INF) <
                   kTolerance * (1 + cv::norm(a[i].reshape(1, 1), cv::NORM_INF)));
    }
    read.setInput(cv::dnn::blobFromImage(resized[5], 1.0, prediction->inputSize(), cv::Scalar(), true, false));
    read.forward(one, names);
    const Mat row = b[0].reshape(1, int(resized.size())).row(5);
    BOOST_TEST(cv::norm(one[0].reshape(1, 1), row, cv::NORM_INF) < kTolerance * (1 + cv::norm(row, cv::NORM_INF)));
}

// The whole way of a depthwise network: predicted weights, folded, as a Net, as a file and read again.
BOOST_FIXTURE_TEST_CASE(mobilenetv2_half_is_predicted_like_any_other, ModelFixture) {
    const Architecture half = loadArchitecture(HYPERPRED_DATA_DIR "/architectures/mobilenetv2_half.json");
    test::writeDrawnModel(model, "residual", true, "stats", StorageType::F16, half);
    const Images support = drawShapes(4, 50, 14), query = drawShapes(4, 20, 15);
    PredictOptions options;
    options.weights = "predicted";
    options.features = {1, 2, 3, 4};
    const std::vector<uchar> bytes = bytesOf(model, support, 200, 1, options);
    BOOST_TEST((bytes == bytesOf(model, support, 9, 3, options)));

    const auto predictor = HyperPredictor::create(model);
    predictor->add(support.images, support.labels);
    const auto prediction = predictor->predict(options);
    Mat labels, scores, unknown;
    prediction->classify(query.images, labels, scores, unknown);
    int right = 0;
    for (int i = 0; i < labels.rows; ++i) right += labels.at<int>(i) == query.labels[size_t(i)] ? 1 : 0;
    BOOST_TEST(right >= 40);  // of 80; chance is 20, the weights are random, only the head learns
    cv::dnn::Net read = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const cv::Size size(64, 64);
    Mat small;
    for (size_t i = 0; i < query.images.size(); i += 11) {
        cv::resize(query.images[i], small, size, 0, 0, cv::INTER_CUBIC);  // all are smaller
        read.setInput(cv::dnn::blobFromImage(small, 1.0, size, cv::Scalar(), true, false));
        const Mat found = read.forward("probabilities").reshape(1, 1);
        BOOST_TEST(cv::norm(found, scores.row(int(i)), cv::NORM_INF) < 1e-3);
    }
}

BOOST_FIXTURE_TEST_CASE(every_head_and_option, ModelFixture) {
    const Images set = drawShapes(4, 9, 5);
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    for (const char* head : {"ridge", "cosine", "lda"}) {
        for (const char* weights : {"auto", "predicted", "base"}) {
            PredictOptions options;
            options.head = head;
            options.weights = weights;
            options.features = {1, 2};
            options.classNames = {"disc", "bar", "post", "frame"};
            const auto prediction = predictor->predict(options);
            const auto report = nlohmann::json::parse(prediction->report());
            BOOST_TEST(report["head"] == head);
            if (options.weights != "auto") BOOST_TEST(report["weights"].get<std::string>() == weights);
            BOOST_TEST(prediction->classNames()[3] == "frame");
            BOOST_TEST(prediction->expectedAccuracy() > 0.3);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(suspects_hold_the_flipped_labels, ModelFixture) {
    Images set = drawShapes(3, 40, 6);
    const std::vector<int> flipped = {3, 47, 99};
    for (const int i : flipped) set.labels[size_t(i)] = (set.labels[size_t(i)] + 1) % 3;
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    const std::vector<Suspect> suspects = predictor->predict()->suspects();
    int found = 0;
    for (size_t i = 0; i < std::min(suspects.size(), size_t(24)); ++i) {
        found += std::count(flipped.begin(), flipped.end(), suspects[i].image) > 0 ? 1 : 0;
        BOOST_TEST(suspects[i].label == set.labels[size_t(suspects[i].image)]);
    }
    BOOST_TEST(found >= 2);
    BOOST_TEST(std::is_sorted(suspects.begin(), suspects.end(),
                              [](const Suspect& a, const Suspect& b) { return a.margin > b.margin; }));
}

BOOST_FIXTURE_TEST_CASE(dropped_suspects_are_as_never_added, ModelFixture) {
    Images set = drawShapes(3, 40, 6);
    for (const int i : {3, 47, 99}) set.labels[size_t(i)] = (set.labels[size_t(i)] + 1) % 3;
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    const auto all = predictor->predict();
    PredictOptions options;
    options.dropSuspects = 5;
    const auto prediction = predictor->predict(options);
    const std::vector<Suspect> dropped = prediction->dropped(), suspects = all->suspects();
    BOOST_TEST(all->dropped().empty());
    BOOST_REQUIRE(dropped.size() == 5u);
    Images rest;
    for (size_t i = 0; i < set.images.size(); ++i) {
        const auto here = [&](const Suspect& suspect) { return size_t(suspect.image) == i; };
        if (std::any_of(dropped.begin(), dropped.end(), here)) continue;
        rest.images.push_back(set.images[i]);
        rest.labels.push_back(set.labels[i]);
    }
    for (size_t i = 0; i < dropped.size(); ++i) BOOST_TEST(dropped[i].image == suspects[i].image);
    predictor->clear();
    predictor->add(rest.images, rest.labels);
    const auto fresh = predictor->predict();
    cv::Mat labels, scores, freshScores;
    prediction->classify(set.images, labels, scores);
    fresh->classify(set.images, labels, freshScores);
    BOOST_TEST(cv::norm(scores, freshScores, cv::NORM_INF) == 0);
    const auto report = nlohmann::json::parse(prediction->report());
    BOOST_TEST(report["images"] == 115);
    BOOST_TEST(report["dropped_suspects"] == 5);
    BOOST_TEST(report["expected_accuracy_of_all"] == all->expectedAccuracy());
}

BOOST_FIXTURE_TEST_CASE(dropping_leaves_every_class_an_image, ModelFixture) {
    Images set = drawShapes(3, 6, 6);
    for (size_t i = 0; i < 6; ++i) set.labels[i] = int(i % 3);  // discs under every label
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    PredictOptions options;
    options.dropSuspects = 1000;
    const auto prediction = predictor->predict(options);
    BOOST_TEST(prediction->classNames().size() == 3u);
    BOOST_TEST(prediction->dropped().size() < 16u);
    BOOST_TEST(prediction->dropped().size() > 0u);
    options.dropSuspects = -1;
    BOOST_TEST(sentenceOf([&] { predictor->predict(options); }).find("dropSuspects is -1") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(accepts_every_kind_of_image, ModelFixture) {
    const Images set = drawShapes(2, 3, 7);
    const auto predictor = HyperPredictor::create(model);
    Mat grey, wide, unit, alpha;
    cv::cvtColor(set.images[0], grey, cv::COLOR_BGR2GRAY);
    set.images[1].convertTo(wide, CV_16U, 257);
    set.images[2].convertTo(unit, CV_32F, 1.0 / 255);
    cv::cvtColor(set.images[3], alpha, cv::COLOR_BGR2BGRA);
    predictor->add(std::vector<Mat>{grey, wide, unit, alpha}, std::vector<int>{0, 0, 0, 1});
    std::vector<cv::UMat> gpu(1);
    set.images[4].copyTo(gpu[0]);
    predictor->add(gpu, std::vector<int>{1});
    predictor->add(set.images[5](cv::Rect(1, 1, 15, 17)), std::vector<int>{1});  // a view, not continuous
    BOOST_TEST(predictor->size() == 6);
    BOOST_TEST(predictor->predict()->classNames().size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_refused_batch_leaves_nothing, ModelFixture) {
    const Images set = drawShapes(2, 4, 8);
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    std::vector<Mat> bad = set.images;
    bad[5] = Mat();
    BOOST_TEST(sentenceOf([&] { predictor->add(bad, set.labels); }).find("image 5") != std::string::npos);
    BOOST_TEST(sentenceOf([&] { predictor->add(set.images, std::vector<int>{0}); }).find("8 images but 1") == 0u);
    BOOST_TEST(sentenceOf([&] { predictor->add(set.images[0], std::vector<int>{-1}); }) != "");
    BOOST_TEST(predictor->size() == 8);
    const auto fresh = HyperPredictor::create(model);
    fresh->add(set.images, set.labels);
    BOOST_TEST((predictor->predict()->onnx() == fresh->predict()->onnx()));
    predictor->clear();
    BOOST_TEST(predictor->size() == 0);
}

BOOST_FIXTURE_TEST_CASE(wrong_use_is_said, ModelFixture) {
    const Images set = drawShapes(3, 2, 9);
    const auto predictor = HyperPredictor::create(model);
    BOOST_TEST(sentenceOf([&] { predictor->predict(); }).find("two classes") != std::string::npos);
    predictor->add(set.images, std::vector<int>{0, 0, 0, 0, 2, 2});
    BOOST_TEST(sentenceOf([&] { predictor->predict(); }).find("label 1 has no image") != std::string::npos);
    predictor->clear();
    predictor->add(set.images, set.labels);
    const auto withOptions = [&](const std::function<void(PredictOptions&)>& change) {
        return sentenceOf([&] {
            PredictOptions options;
            change(options);
            predictor->predict(options);
        });
    };
    BOOST_TEST(withOptions([](PredictOptions& o) { o.head = "svm"; }).find("svm") != std::string::npos);
    BOOST_TEST(withOptions([](PredictOptions& o) { o.features = {2, 1}; }).find("ascend") != std::string::npos);
    BOOST_TEST(withOptions([](PredictOptions& o) { o.features = {9}; }) != "");
    BOOST_TEST(withOptions([](PredictOptions& o) { o.sampleSize = 1; }) != "");
    BOOST_TEST(withOptions([](PredictOptions& o) { o.rejected = 0.7; }) != "");
    BOOST_TEST(withOptions([](PredictOptions& o) { o.weights = "best"; }) != "");
    BOOST_TEST(withOptions([](PredictOptions& o) { o.classNames = {"one"}; }) != "");
    BOOST_TEST(sentenceOf([] { HyperPredictor::create("/nonexistent.safetensors"); }).find("/nonexistent") !=
               std::string::npos);
    BOOST_TEST(sentenceOf([&] { HyperPredictor::create(model, "tpu"); }).find("tpu") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(progress_is_told_and_can_cancel, ModelFixture) {
    const Images set = drawShapes(2, 20, 10);
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    const std::vector<uchar> bytes = predictor->predict()->onnx();
    std::vector<std::string> stages;
    PredictOptions options;
    options.progress = [&](const cv::String& stage, double done) {
        BOOST_TEST((done >= 0 && done <= 1));
        if (stages.empty() || stages.back() != stage) stages.push_back(stage);
        return stage != "head";
    };
    BOOST_TEST(sentenceOf([&] { predictor->predict(options); }).find("cancelled") != std::string::npos);
    BOOST_TEST(stages.front() == "sketch");
    BOOST_TEST(stages.back() == "head");
    BOOST_TEST((predictor->predict()->onnx() == bytes));  // as before the call
}

BOOST_FIXTURE_TEST_CASE(eight_predictors_at_once, ModelFixture) {
    const Images set = drawShapes(3, 12, 11);
    const std::vector<uchar> expected = bytesOf(model, set, 100, 1);
    std::vector<std::vector<uchar>> found(8);
    std::vector<std::thread> threads;
    for (auto& slot : found) threads.emplace_back([&] { slot = bytesOf(model, set, 100, 1); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& bytes : found) BOOST_TEST((bytes == expected));
}

BOOST_FIXTURE_TEST_CASE(conflicts_are_reported, ModelFixture) {
    Images set = drawShapes(2, 6, 12);
    set.images.push_back(set.images[0]);
    set.labels.push_back(1);
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    const auto report = nlohmann::json::parse(predictor->predict()->report());
    BOOST_TEST(report["conflicts"].size() == 1u);
    BOOST_TEST(report["conflicts"][0][0] == 0);
    BOOST_TEST(report["conflicts"][0][1] == 12);
}

BOOST_FIXTURE_TEST_CASE(leave_one_out_counts_agree_with_accuracy_and_suspects, ModelFixture) {
    Images set = drawShapes(3, 21, 14);
    for (const size_t copied : {30u, 30u, 5u}) {  // one image of class 1 three times, one of class 0 twice
        set.images.push_back(set.images[copied]);
        set.labels.push_back(set.labels[copied]);
    }
    const auto predictor = HyperPredictor::create(model);
    predictor->add(set.images, set.labels);
    const auto prediction = predictor->predict();
    const auto report = nlohmann::json::parse(prediction->report());
    const auto& counts = report["leave_one_out"];
    BOOST_TEST(counts["images"] == 66);
    BOOST_TEST(counts["right"].get<int>() / 66.0 == prediction->expectedAccuracy());
    BOOST_TEST((counts["class_images"] == nlohmann::json({22, 23, 21})));
    int confused = 0;
    std::vector<int> wrong(3, 0);
    for (const Suspect& suspect : prediction->suspects()) ++wrong[size_t(suspect.label)];
    for (const auto& pair : counts["confusion"]) confused += pair[2].get<int>();
    BOOST_TEST(confused == int(prediction->suspects().size()));
    for (size_t c = 0; c < 3; ++c) {
        BOOST_TEST(counts["class_images"][c].get<int>() - counts["class_right"][c].get<int>() == wrong[c]);
    }
    // The least threshold refuses nothing, and the one that was delivered is on the curve.
    BOOST_TEST(counts["rejection"][0]["refused"] == 0.0);
    BOOST_TEST(std::abs(counts["rejection"][0]["threshold"].get<double>() - prediction->threshold()) < 1e-6);
    BOOST_TEST(report["copies"] == 3);
    BOOST_TEST((report["duplicates"] == nlohmann::json({{5, 65}, {30, 63, 64}})));
}

BOOST_AUTO_TEST_CASE(the_pure_form_and_a_base_only_file) {
    ModelFixture files;
    const Images set = drawShapes(3, 10, 13);
    for (const bool trained : {true, false}) {
        test::writeDrawnModel(files.model, trained ? "pure" : "residual", trained);
        const auto predictor = HyperPredictor::create(files.model);
        predictor->add(set.images, set.labels);
        const auto report = nlohmann::json::parse(predictor->predict()->report());
        BOOST_TEST(report["weights"] == (trained ? "predicted" : "base"));
        BOOST_TEST(nlohmann::json::parse(predictor->info())["trained"] == trained);
    }
}
