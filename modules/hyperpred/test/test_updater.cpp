// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE updater
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <opencv2/hyperpred.hpp>

#include "backend.hpp"
#include "classifier.hpp"
#include "drawn_network.hpp"
#include "drawn_shapes.hpp"
#include "refusals.hpp"
#include "support_features.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using cv::Mat;
using cv::String;
using test::drawShapes;
using test::holds;
using test::Images;
using test::refusalOf;
namespace fs = std::filesystem;

namespace {

const float kTolerance = 1e-4f;  // cv::dnn's float sums against double ones, logits of a few units

// A network for discs, bars and posts, and images of all four shapes (label 3: frames) to change it with.
struct NetFixture {
    NetFixture() {
        test::writeDrawnModel(file("tiny.safetensors"), "residual", true);
        predict("ridge");
    }

    void predict(const char* head) {
        const auto predictor = HyperPredictor::create(file("tiny.safetensors"), "cpu");
        const Images set = drawShapes(3, 17, 1);
        predictor->add(set.images, set.labels);
        PredictOptions options;
        options.head = head;
        options.keepSupport = true;
        options.sampleSize = 41;  // so that sample and rest both run
        options.classNames = {"disc", "bar", "post"};
        const auto prediction = predictor->predict(options);
        prediction->writeONNX(file("net.onnx"), file("net.support"));
        before = both("net");
    }

    std::string file(const std::string& name) const { return folder.file(name); }
    std::string both(const std::string& stem) const {
        std::string bytes;
        for (const char* ending : {".onnx", ".support"}) {
            std::ifstream in(file(stem + ending), std::ios::binary);
            bytes.append(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        }
        return bytes;
    }
    cv::Ptr<Updater> open(const std::string& stem = "net") const { return Updater::open(file(stem + ".onnx")); }

    test::TemporaryFolder folder;
    std::string before;
};

// The first `count` images of a shape of `set`.
std::vector<Mat> imagesOf(const Images& set, int label, size_t count) {
    std::vector<Mat> images;
    for (size_t i = 0; i < set.images.size() && images.size() < count; ++i) {
        if (set.labels[i] == label) images.push_back(set.images[i]);
    }
    return images;
}

std::vector<cv::String> named(const char* name, size_t count) {
    return std::vector<cv::String>(count, name);
}

const Images kMore = drawShapes(4, 9, 2);

}  // namespace

BOOST_FIXTURE_TEST_CASE(writing_unchanged_gives_the_bytes_of_the_prediction, NetFixture) {
    for (const char* head : {"ridge", "cosine", "lda"}) {
        predict(head);
        open()->write(file("same.onnx"));
        BOOST_TEST((both("same") == before), head);
    }
}

BOOST_FIXTURE_TEST_CASE(adding_and_dropping_gives_the_same_bytes, NetFixture) {
    for (const char* head : {"ridge", "cosine", "lda"}) {
        predict(head);
        const auto updater = open();
        updater->add(imagesOf(kMore, 3, 7), named("frame", 7));
        updater->write(file("added.onnx"));
        BOOST_TEST((both("added") != before));
        BOOST_TEST(updater->size() == 58);
        updater->drop("frame");
        updater->write(file("dropped.onnx"));
        BOOST_TEST((both("dropped") == before), head);
        const auto again = open("added");  // by way of the files as well
        again->drop("frame");
        again->write(file("added.onnx"));
        BOOST_TEST((both("added") == before), head);
    }
}

BOOST_FIXTURE_TEST_CASE(steps_and_their_order_do_not_matter, NetFixture) {
    std::vector<Mat> images = imagesOf(kMore, 3, 5);
    std::vector<cv::String> names = {"frame", "edge", "frame", "edge", "bar"};
    const auto whole = open();
    whole->add(images, names);
    whole->write(file("whole.onnx"));
    for (size_t i = images.size(); i-- > 0;) {  // one by one, the last first, each by way of the files
        const auto step = open(i + 1 == images.size() ? "net" : "steps");
        step->add(images[i], std::vector<cv::String>{names[i]});
        step->write(file("steps.onnx"));
    }
    BOOST_TEST((both("steps") == both("whole")));
    BOOST_TEST((whole->classNames() == std::vector<cv::String>{"disc", "bar", "post", "edge", "frame"}));
    BOOST_TEST((open("steps")->classNames() == whole->classNames()));
}

BOOST_FIXTURE_TEST_CASE(a_class_is_learnt_from_one_image, NetFixture) {
    const Mat frame = imagesOf(kMore, 3, 1).front();
    const auto updater = open();
    updater->add(frame, named("frame", 1));
    const auto report = nlohmann::json::parse(std::string(updater->write(file("net.onnx"))));
    BOOST_TEST(report["classes"] == 4);
    BOOST_TEST(report["images"] == 52);
    Classifier classifier = Classifier::open(file("net.onnx"));
    BOOST_TEST(classifier.description().classNames.back() == "frame");
    BOOST_TEST(classifier.classify({frame}).front().label == 3);
    int right = 0;
    for (int label = 0; label < 3; ++label) {
        for (const Answer& answer : classifier.classify(imagesOf(kMore, label, 9))) right += answer.label == label;
    }
    BOOST_TEST(right >= 16);  // of 27; chance is 7, the weights are random
}

// The head is that of fitHead() on the features that are left, and what computes the features has not changed.
BOOST_FIXTURE_TEST_CASE(the_network_has_the_head_of_the_features_that_are_left, NetFixture) {
    const auto updater = open();
    updater->add(imagesOf(kMore, 3, 4), named("frame", 4));
    updater->drop("bar");
    updater->write(file("net.onnx"));
    const SupportFeatures left = readSupportFeatures(file("net.support"));
    BOOST_TEST((left.classNames == std::vector<std::string>{"disc", "post", "frame"}));
    BOOST_TEST(left.listed == 2);
    FeatureTable table(left.columns, 3);
    table.append(left.rows.data(), left.labels.data(), int(left.labels.size()));
    const FittedHead fitted = fitHead(HeadKind::Ridge, table, gatherStatistics(table, addGramOnCpu), 0.01);
    cv::dnn::Net net = cv::dnn::readNetFromONNX(file("net.onnx"));
    for (const Mat& image : imagesOf(kMore, 2, 3)) {
        Mat square;
        cv::resize(image, square, cv::Size(32, 32), 0, 0, cv::INTER_AREA);
        net.setInput(cv::dnn::blobFromImage(square, 1.0, cv::Size(32, 32), cv::Scalar(), true, false));
        std::vector<Mat> outs;
        net.forward(outs, std::vector<cv::String>{"features", "logits", "familiarity"});
        const std::vector<float> logits = applyHead(fitted.head, outs[0].ptr<float>(), 1);
        for (int c = 0; c < 3; ++c) BOOST_TEST(std::abs(logits[size_t(c)] - outs[1].at<float>(c)) < kTolerance);
        double greatest = 0;
        cv::minMaxLoc(outs[2].reshape(1, 1), nullptr, &greatest);
        const float familiarity = applyFamiliarity(fitted.head, outs[0].ptr<float>(), 1).front();
        BOOST_TEST(std::abs(familiarity - greatest) < kTolerance * (1 + std::abs(greatest)));
    }
    BOOST_TEST(Classifier::open(file("net.onnx")).description().threshold == fitted.head.familiarity.threshold);
}

BOOST_FIXTURE_TEST_CASE(renaming_keeps_the_place_and_can_be_taken_back, NetFixture) {
    const auto updater = open();
    updater->rename("bar", "zebra");
    BOOST_TEST((updater->classNames() == std::vector<cv::String>{"disc", "zebra", "post"}));
    updater->write(file("other.onnx"));
    BOOST_TEST(Classifier::open(file("other.onnx")).description().classNames[1] == "zebra");
    const auto back = open("other");
    back->rename("zebra", "bar");
    back->write(file("other.onnx"));
    BOOST_TEST((both("other") == before));
}

BOOST_FIXTURE_TEST_CASE(wrong_use_is_said_and_changes_nothing, NetFixture) {
    const auto updater = open();
    BOOST_TEST(holds(refusalOf([&] { updater->drop("nut"); }), "no class is called \"nut\""));
    BOOST_TEST(holds(refusalOf([&] { updater->rename("nut", "x"); }), "no class is called \"nut\""));
    BOOST_TEST(holds(refusalOf([&] { updater->rename("bar", "disc"); }), "two classes are called \"disc\""));
    BOOST_TEST(holds(refusalOf([&] { updater->rename("bar", ""); }), "empty name"));
    BOOST_TEST(holds(refusalOf([&] { updater->add(kMore.images[0], named("", 1)); }), "empty name"));
    BOOST_TEST(holds(refusalOf([&] { updater->add(kMore.images, named("x", 2)); }), "36 images but 2 class names"));
    std::vector<Mat> bad = {kMore.images[0], Mat(), kMore.images[1]};
    BOOST_TEST(holds(refusalOf([&] { updater->add(bad, {"new", "disc", "bar"}); }), "image 1"));
    BOOST_TEST(updater->size() == 51);
    BOOST_TEST(holds(refusalOf([&] { updater->write(file("net.onnx"), file("net.onnx")); }), "a path each"));
    BOOST_TEST(holds(refusalOf([&] { updater->write(file("none/net.onnx")); }), "none/net"));
    BOOST_TEST(holds(refusalOf([&] { updater->write(file("none/net.onnx"), file("net.support")); }), "none/net"));
    BOOST_TEST((both("net") == before));
    updater->write(file("net.onnx"));
    BOOST_TEST((both("net") == before));
    updater->drop("bar");
    BOOST_TEST(holds(refusalOf([&] { updater->drop("disc"); }), "1 class would be left"));
}

BOOST_FIXTURE_TEST_CASE(files_that_do_not_belong_together_are_refused, NetFixture) {
    fs::copy_file(file("net.onnx"), file("first.onnx"));
    const auto updater = open();
    updater->add(imagesOf(kMore, 1, 2), named("bar", 2));  // the classes stay the same
    updater->write(file("net.onnx"));
    const std::string wanted = both("net");
    // As a kill between the two files leaves it: the support file is new, the network old.
    fs::copy_file(file("net.support"), file("first.support"));
    BOOST_TEST(holds(refusalOf([&] { open("first"); }), "is of another state"));
    Updater::open(file("first.onnx"), "", true)->write(file("first.onnx"));
    BOOST_TEST((both("first") == wanted));
    predict("ridge");  // of other layers: other images
    const auto predictor = HyperPredictor::create(file("tiny.safetensors"), "cpu");
    predictor->add(kMore.images, kMore.labels);
    PredictOptions options;
    const auto prediction = predictor->predict(options);
    prediction->writeONNX(file("net.onnx"));
    BOOST_TEST(holds(refusalOf([&] { open(); }), "the layers differ"));
    BOOST_TEST(holds(refusalOf([&] { Updater::open(file("net.onnx"), "", true); }), "the layers differ"));
    BOOST_TEST(holds(refusalOf([&] { Updater::open(file("net.onnx"), file("net.onnx")); }), "net.onnx"));
    BOOST_TEST(holds(refusalOf([&] { Updater::open(file("none.onnx")); }), "none.onnx"));
    BOOST_TEST(holds(refusalOf([&] { prediction->writeSupport(file("x.support")); }), "keepSupport"));
    options.keepSupport = true;
    options.classNames = {"a", "b", "c", "b"};
    BOOST_TEST(holds(refusalOf([&] { predictor->predict(options); }), "two classes are called \"b\""));
}

// Whatever device predicts, the first update must find the same sums: the head's are the CPU's where it is kept.
BOOST_FIXTURE_TEST_CASE(another_backend_keeps_the_promise, NetFixture) {
    const auto predictor = HyperPredictor::create(file("tiny.safetensors"), "reference");
    const Images set = drawShapes(3, 17, 1);
    predictor->add(set.images, set.labels);
    PredictOptions options;
    options.keepSupport = true;
    const auto prediction = predictor->predict(options);
    BOOST_CHECK_THROW(prediction->writeONNX(file("net.onnx"), file("none/net.support")), cv::Exception);
    BOOST_CHECK_THROW(prediction->writeONNX(file("none/net.onnx"), file("net.support")), cv::Exception);
    BOOST_TEST((both("net") == before));
    prediction->writeONNX(file("net.onnx"));
    prediction->writeSupport(file("net.support"));
    open()->write(file("same.onnx"));
    BOOST_TEST((both("same") == both("net")));
}

BOOST_FIXTURE_TEST_CASE(progress_is_told_and_can_cancel, NetFixture) {
    const auto updater = Updater::open(file("net.onnx"));
    const Images more = drawShapes(4, 3, 5);
    const std::vector<String> names(more.images.size(), "new");
    std::vector<std::string> stages;
    std::string last;  // the stage, and where in it, that is cancelled
    double at = 0;
    updater->setProgress([&](const String& stage, double done) {
        BOOST_TEST((done >= 0 && done <= 1));
        if (stages.empty() || stages.back() != stage) stages.push_back(stage);
        return stage != last || done < at;
    });
    last = "add";
    at = 0.5;
    BOOST_TEST(holds(refusalOf([&] { updater->add(more.images, names); }), "cancelled in stage \"add\""));
    BOOST_TEST(updater->size() == 51);
    BOOST_TEST(updater->classNames().size() == 3);
    for (const auto& stage : {std::make_pair("head", 0.0), std::make_pair("net", 0.0), std::make_pair("net", 1.0)}) {
        last = stage.first;
        at = stage.second;
        BOOST_TEST(holds(refusalOf([&] { updater->write(file("net.onnx")); }), "cancelled in stage \"" + last + "\""));
        BOOST_TEST((both("net") == before));
    }
    last = "none";
    stages.clear();
    updater->add(more.images, names);
    updater->write(file("net.onnx"));
    BOOST_TEST((stages == std::vector<std::string>{"add", "head", "net"}));
    updater->setProgress({});
    stages.clear();
    updater->drop("new");
    updater->write(file("net.onnx"));
    BOOST_TEST(stages.empty());
    BOOST_TEST((both("net") == before));
}
