// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE classifier
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <locale>

#include "classifier.hpp"
#include "refusals.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(description_survives_metadata) {
    NetDescription description;
    description.classNames = {"hex nut", "say \"cheese\"", "Stra\xc3\x9f" "e"};
    description.size = 64;
    description.threshold = -1.2345678f;
    const NetDescription back = parseMetadata(toMetadata(description), "net.onnx");
    BOOST_TEST(back.classNames == description.classNames);
    BOOST_TEST(back.size == 64);
    BOOST_TEST(back.threshold == description.threshold);
}

namespace {

// A program that has set the German locale, as std::locale("") does there.
class CommaForPoint : public std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
};
class OtherLocale {
public:
    OtherLocale() : before_(std::locale::global(std::locale(std::locale::classic(), new CommaForPoint))) {}
    ~OtherLocale() { std::locale::global(before_); }

private:
    std::locale before_;
};

std::string errorOfOpening(const std::string& path) {
    try {
        Classifier::open(path);
    } catch (const cv::Exception& error) {
        return error.err;
    }
    return "";
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_threshold_is_the_same_in_every_locale) {
    NetDescription description;
    description.classNames = {"a", "b"};
    description.size = 32;
    description.threshold = -1.2345678f;
    const auto metadata = toMetadata(description);
    const OtherLocale german;
    BOOST_TEST(toMetadata(description).at("hyperpred.threshold") == metadata.at("hyperpred.threshold"));
    BOOST_TEST(parseMetadata(metadata, "net.onnx").threshold == description.threshold);
}

BOOST_AUTO_TEST_CASE(what_is_no_file_of_bytes_is_said) {
    const std::string folder = std::filesystem::temp_directory_path() / "hyperpred-test-classifier";
    std::filesystem::create_directories(folder);
    BOOST_TEST(errorOfOpening(folder).find(folder + "\": is a folder") != std::string::npos, errorOfOpening(folder));
    const std::string empty = folder + "/empty.onnx";
    std::ofstream{empty};
    BOOST_TEST(errorOfOpening(empty).find("empty.onnx\": 0 bytes") != std::string::npos, errorOfOpening(empty));
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(the_report_is_read_where_there_is_one) {
    NetDescription description;
    description.classNames = {"a", "b"};
    description.size = 32;
    auto metadata = toMetadata(description);
    BOOST_TEST(parseMetadata(metadata, "net.onnx").report.empty());
    metadata["hyperpred.report"] = "{\"head\": \"lda\"}";
    BOOST_TEST(parseMetadata(metadata, "net.onnx").report == "{\"head\": \"lda\"}");
    // Whoever writes a report again would run out of stack.
    for (const size_t levels : {31u, 32u, 1000000u}) {
        metadata["hyperpred.report"] = "{\"[\\\"[\": " + std::string(levels, '[') + std::string(levels, ']') + "}";
        BOOST_TEST(parseMetadata(metadata, "net.onnx").report.empty() == (levels > 31));
    }
    // Damaged, or of another form: the network is usable without it.
    for (const std::string& damaged : {std::string("{\"head\": "), std::string("5"), std::string("[]")}) {
        metadata["hyperpred.report"] = damaged;
        BOOST_TEST(parseMetadata(metadata, "net.onnx").report.empty());
    }
}

BOOST_AUTO_TEST_CASE(names_that_are_no_utf8_do_not_throw) {
    NetDescription description;
    description.classNames = {"a\xff", "b"};
    description.size = 32;
    BOOST_TEST(parseMetadata(toMetadata(description), "net.onnx").classNames.size() == 2u);
}

BOOST_AUTO_TEST_CASE(malformed_metadata_are_refused) {
    NetDescription description;
    description.classNames = {"a", "b"};
    description.size = 32;
    const auto good = toMetadata(description);
    for (const char* key : {"hyperpred.classes", "hyperpred.threshold", "hyperpred.preprocessing"}) {
        for (const char* value : {"", "nonsense", "[1, 2]", "{}", "nan", "1 2"}) {
            auto bad = good;
            bad[key] = value;
            BOOST_CHECK_THROW(parseMetadata(bad, "net.onnx"), cv::Exception);
        }
        auto bad = good;
        bad.erase(key);
        BOOST_CHECK_THROW(parseMetadata(bad, "net.onnx"), cv::Exception);
    }
    BOOST_CHECK_THROW(Classifier::open("/nonexistent.onnx"), cv::Exception);
}

namespace {

// Three classes whose logits are the mean of each colour, plus `shift`.
Classifier colours(float shift) {
    cv::dnn::LayerParams pool, plain, power;
    pool.set("pool", "ave");
    pool.set("global_pooling", true);
    power.set("shift", shift);
    cv::dnn::Net net;
    net.addLayerToPrev("pool", "Pooling", pool);
    net.addLayerToPrev("flat", "Flatten", plain);
    const int logits = net.addLayerToPrev("logits", "Power", power);
    net.addLayerToPrev("probabilities", "Softmax", plain);
    net.connect(logits, 0, net.addLayer("familiarity", "Power", plain), 0);
    NetDescription description;
    description.classNames = {"red", "green", "blue"};
    description.size = 8;
    return Classifier(net, description);
}

}  // namespace

// NaN is below no threshold: the image would count as known, and a report would sort by it.
BOOST_AUTO_TEST_CASE(an_answer_that_is_no_number_is_refused) {
    const cv::Mat green(9, 7, CV_8UC3, cv::Scalar(10, 90, 30));
    BOOST_TEST(colours(0).classify({green, green}).at(1).label == 1);
    const float none = std::numeric_limits<float>::quiet_NaN();
    const std::string two = test::refusalOf([&] { colours(none).classify({green, green}); });
    BOOST_TEST(test::holds(two, "not finite for one of 2 images from image 0 on"), two);
    const std::string one = test::refusalOf([&] { colours(none).classify({green}, {"a.png"}); });
    BOOST_TEST(test::holds(one, "not finite for \"a.png\""), one);
}
