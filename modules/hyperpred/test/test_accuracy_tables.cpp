// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE accuracy_tables
#include <boost/test/unit_test.hpp>
#include <opencv2/core.hpp>

#include "accuracy_tables.hpp"

using namespace cv::hyperpred;

namespace {

const nlohmann::ordered_json kResults = nlohmann::ordered_json::parse(R"({"title": "T", "architectures": [
    {"architecture": "other", "edge": 8, "plain": [{"network": "elsewhere", "head": "lda",
     "top1": 0.1, "seconds": 1, "images": 9, "where": "CPU"}]},
    {"architecture": "net", "edge": 32,
     "measured": {"plain": "CPU, day 1", "others": "GPU, day 2", "draws": "CPU, day 3"},
     "plain": [{"network": "a", "head": "ridge", "top1": 0.5, "expected": 0.25, "seconds": 3.21, "images": 1234567,
                "where": "CPU"},
               {"network": "a", "head": "lda", "top1": 0.6, "seconds": 12.6, "images": 100, "where": "CPU"},
               {"network": "b", "head": "lda", "top1": 0.7, "seconds": 1, "images": 100, "where": "CPU"}],
     "others": [{"network": "c", "head": "ridge", "top1": 0.8, "seconds": 1, "images": 100, "where": "CPU"}],
     "published": [{"network": "p", "head": "adam", "top1": 0.7456, "seconds": 119, "where": "GPU"}]}]})");

}  // namespace

BOOST_AUTO_TEST_CASE(ASummaryIsTheFirstRowOfEachNetwork) {
    BOOST_CHECK_EQUAL(accuracySummary(kResults, "net"),
                      "| network | head | top-1 % | expected % | seconds | images seen | where |\n"
                      "|---|---:|---:|---:|---:|---:|---:|\n"
                      "| a | ridge | 50.00 | 25.00 | 3.2 | 1,234,567 | CPU |\n"
                      "| b | lda | 70.00 |  | 1.0 | 100 | CPU |\n"
                      "| c | ridge | 80.00 |  | 1.0 | 100 | CPU |\n"
                      "| p | adam | 74.56 |  | 119 |  | GPU |\n"
                      "\n(CPU, day 1; model files of other data: GPU, day 2)\n");
    BOOST_CHECK_THROW(accuracySummary(kResults, "nets"), cv::Exception);
}

BOOST_AUTO_TEST_CASE(AllTablesHoldEveryRow) {
    const std::string text = accuracyTables(kResults);
    BOOST_CHECK(text.find("**T; net, 32 px**\n") != std::string::npos);
    BOOST_CHECK(text.find("| a | lda | 60.00 |  | 13 | 100 | CPU |") != std::string::npos);
    BOOST_CHECK(text.find("| c | ridge | 80.00 |") < text.find("| p | adam | 74.56 |"));
    BOOST_CHECK(text.find("elsewhere") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(EveryMarkOfAPageGetsItsTable) {
    const std::string all = "<!-- hyperpred_bench accuracy x -->\n", end = "<!-- end -->\n";
    const std::string some = "<!-- hyperpred_bench accuracy x summary net -->\n";
    const std::string foreign = "<!-- hyperpred_bench accuracy x2 -->\nstays\n" + end;
    BOOST_CHECK_EQUAL(insertTables("1\n" + foreign + all + "old\n" + end + "2\n" + some + end + "3", "x", kResults),
                      "1\n" + foreign + all + accuracyTables(kResults) + end + "2\n" + some +
                          accuracySummary(kResults, "net") + end + "3");
}

BOOST_AUTO_TEST_CASE(APageThatCannotTakeATableIsRefused) {
    for (const char* page : {"", "<!-- hyperpred_bench accuracy x -->\nno end", "<!-- end -->",
                             "<!-- hyperpred_bench accuracy x summary none -->\n<!-- end -->",
                             "<!-- hyperpred_bench accuracy x all -->\n<!-- end -->",
                             "<!-- hyperpred_bench accuracy x summary\n-->\n<!-- end -->"}) {
        BOOST_CHECK_THROW(insertTables(page, "x", kResults), cv::Exception);
    }
}
