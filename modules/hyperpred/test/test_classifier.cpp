// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE classifier
#include <boost/test/unit_test.hpp>

#include "classifier.hpp"

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

BOOST_AUTO_TEST_CASE(the_report_is_read_where_there_is_one) {
    NetDescription description;
    description.classNames = {"a", "b"};
    description.size = 32;
    auto metadata = toMetadata(description);
    BOOST_TEST(parseMetadata(metadata, "net.onnx").report.empty());
    metadata["hyperpred.report"] = "{\"head\": \"lda\"}";
    BOOST_TEST(parseMetadata(metadata, "net.onnx").report == "{\"head\": \"lda\"}");
    // Damaged, or of another form: the network is usable without it.
    const std::string deep = "{\"x\":" + std::string(1000000, '[') + std::string(1000000, ']') + "}";
    for (const std::string& damaged : {std::string("{\"head\": "), std::string("5"), std::string("[]"), deep}) {
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
        for (const char* value : {"", "nonsense", "[1, 2]", "{}", "nan"}) {
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
