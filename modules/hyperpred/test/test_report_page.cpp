// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE report_page
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "command.hpp"
#include "image_files.hpp"
#include "report_draws.hpp"
#include "report_page.hpp"

using namespace cv::hyperpred;

namespace {

const size_t kMostBytes = 3000000;  // doc/report.md

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

// The first tag that does not close what is open, or "" where all do.
std::string unbalanced(const std::string& page) {
    const std::set<std::string> empty = {"!doctype", "meta", "link", "img", "br", "line", "rect", "circle", "path"};
    std::vector<std::string> open;
    for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
        const size_t end = page.find_first_of(" >/", at + 2);
        const bool closes = page[at + 1] == '/';
        const std::string name = page.substr(at + 1 + closes, end - at - 1 - closes);
        if (empty.count(name) > 0) continue;
        if (!closes) {
            open.push_back(name);
        } else if (open.empty() || open.back() != name) {
            return page.substr(at, 40) + " where " + (open.empty() ? "nothing" : open.back()) + " is open";
        } else {
            open.pop_back();
        }
    }
    return open.empty() ? "" : open.back() + " stays open";
}

// A picture that takes a thumbnail's full bytes.
std::string noisePicture(const ImageFolder& folder) {
    cv::Mat image(160, 160, CV_8UC3);
    std::mt19937 draw(11);
    for (int i = 0; i < 160 * 160 * 3; ++i) image.data[i] = uint8_t(draw());
    return folder.write("noise.png", encoded(".png", image));
}

}  // namespace

BOOST_AUTO_TEST_CASE(pages_stay_small_and_whole_whatever_the_number_of_classes) {
    const ImageFolder folder;
    DrawnReport drawn;
    drawn.file = noisePicture(folder);
    drawn.prefix = std::string(250, 'n');  // as long as a folder's name may be
    for (const int classes : {2, 10, 12, 13, 100, 1000}) {
        drawn.classes = classes;
        for (const bool measured : {false, true}) {
            const std::string page = reportPage(measured ? drawnEvaluation(drawn) : drawnPrediction(drawn));
            BOOST_TEST_MESSAGE(classes << " classes: " << page.size() << " bytes");
            BOOST_TEST(page.size() < kMostBytes);
            BOOST_TEST(unbalanced(page) == "");
            const size_t inMatrix = size_t(classes > 12 ? 10 : classes);
            BOOST_TEST(count(page, "class=\"hit\"") == inMatrix);
            BOOST_TEST(count(page, "Most frequent confusions") == (classes > 12 ? 1u : 0u));
            BOOST_TEST(count(page, "<img ") == count(page, "src=\"data:image/jpeg;base64,"));
        }
    }
}

BOOST_AUTO_TEST_CASE(names_are_text) {
    DrawnReport drawn;
    drawn.prefix = "<script>alert(1)</script>\xFF\" onerror=\"x";
    drawn.file = "dir/<img src=x>\xFE.jpg";
    for (const bool measured : {false, true}) {
        const std::string page = reportPage(measured ? drawnEvaluation(drawn) : drawnPrediction(drawn));
        BOOST_TEST(count(page, "<script") == 0u);
        BOOST_TEST(count(page, "<img") == 0u);  // the file is gone, and its name is no element
        BOOST_TEST(count(page, "\" onerror") == 0u);
        BOOST_TEST(count(page, "\xFF") == 0u);
        BOOST_TEST(count(page, "\xFE") == 0u);
        BOOST_TEST(count(page, "&lt;script&gt;alert(1)&lt;/script&gt;") > 10u);
        BOOST_TEST(unbalanced(page) == "");
    }
}

BOOST_AUTO_TEST_CASE(a_prediction_says_what_it_is) {
    DrawnReport drawn;
    drawn.each = 40;
    const std::string page = reportPage(drawnPrediction(drawn));
    BOOST_TEST(count(page, "50.0\xC2\xA0%") > 0u);  // expected
    BOOST_TEST(count(page, "Wilson's score interval of 60 of 120") == 1u);
    BOOST_TEST(count(page, "leave-one-out accuracy 75.0\xC2\xA0% against 70.0\xC2\xA0% of the base weights") == 1u);
    BOOST_TEST(count(page, "lambda") >= 2u);
    BOOST_TEST(count(page, "Only the predicted weights") == 0u);
    BOOST_TEST(count(page, "200 pairs of equal pictures") == 1u);
    BOOST_TEST(count(page, "4900 images are copies") == 1u);
    BOOST_TEST(count(page, "The first 60 of 500 are shown") == 1u);
}

BOOST_AUTO_TEST_CASE(large_counts_become_shares) {
    DrawnReport drawn;
    drawn.each = 999;
    drawn.wrongEvery = 500;
    BOOST_TEST(count(reportPage(drawnPrediction(drawn)), ">997</td>") == 3u);  // 6 of 2,997 are wrong, 2 a class
    drawn.each = 1000;
    const std::string page = reportPage(drawnPrediction(drawn));
    BOOST_TEST(count(page, "Numbers are percent of the row") == 1u);
    BOOST_TEST(count(page, "--v:0.55\">100</td>") == 3u);
    BOOST_TEST(count(page, ">&lt;1</td>") == 3u);
}

BOOST_AUTO_TEST_CASE(an_evaluation_compares_with_what_was_expected) {
    DrawnReport drawn;
    drawn.each = 40;
    nlohmann::ordered_json report = drawnEvaluation(drawn);
    BOOST_TEST(count(reportPage(report), "which lies outside") == 1u);  // 60 % of 120 images, 50 % were right: 41 .. 59
    report["network"]["expected_accuracy"] = 0.55;
    BOOST_TEST(count(reportPage(report), "which lies within") == 1u);
    report["network"] = nlohmann::ordered_json::object();  // a network that says nothing of itself
    BOOST_TEST(count(reportPage(report), "the network expected") == 0u);
    BOOST_TEST(count(reportPage(report), "strangers that are refused") == 1u);
    BOOST_TEST(count(reportPage(report), "<line x1=\"57.2\" y1=\"12.0\" x2=\"57.2\"") == 1u);  // 2 % of 0..50 %
    report["refused"] = 0.75;  // images of another kind: the axis goes as far
    BOOST_TEST(count(reportPage(report), "<line x1=\"256.0\" y1=\"12.0\" x2=\"256.0\"") == 1u);
    report["network"] = {{"head", "ridge"}};  // and no more
    BOOST_TEST(count(reportPage(report), "What was chosen") == 0u);
}

BOOST_AUTO_TEST_CASE(the_ending_says_which_report) {
    for (const char* good : {"r.html", "r.htm", "a/r.json"}) checkReportPath(good);
    for (const char* bad : {"r", "r.txt", ".html", "html", "r.html.pdf"})
        BOOST_CHECK_THROW(checkReportPath(bad), WrongUse);
    const ImageFolder folder;
    DrawnReport drawn;
    drawn.prefix = "\xFF";
    const auto written = [&](const std::string& name) {
        const std::string path = (folder.path / name).string();
        writeReport(path, drawnPrediction(drawn));
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    };
    BOOST_TEST(written("r.html").compare(0, 15, "<!doctype html>") == 0);
    BOOST_TEST(nlohmann::json::parse(written("r.json"))["class_names"][1] ==
               "\xEF\xBF\xBD"
               "1");
}
