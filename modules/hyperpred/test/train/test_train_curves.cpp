// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_curves
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "curves.hpp"
#include "png_canvas.hpp"

using namespace cv::hyperpred;

namespace {

std::string pathOf(const std::string& name) {
    return (std::filesystem::temp_directory_path() / ("hyperpred-curves-" + name)).string();
}

}  // namespace

BOOST_AUTO_TEST_CASE(AResumedLogDropsRowsAfterItsCheckpoint) {
    const std::string path = pathOf("log.csv");
    {
        RunLog log(path, {"loss", "accuracy"}, 0);
        for (int64_t step = 1; step <= 5; ++step) log.append(step, {{"loss", 0.5 * double(step)}});
    }
    RunLog log(path, {"loss", "accuracy"}, 3);
    log.append(4, {{"accuracy", 0.75}});
    const LogTable table = readLog(path);
    BOOST_REQUIRE_EQUAL(table.rows.size(), 4);
    BOOST_CHECK_EQUAL(table.rows[2][1], 1.5);
    BOOST_CHECK(std::isnan(table.rows[3][1]));
    BOOST_CHECK_EQUAL(table.rows[3][2], 0.75);
    BOOST_CHECK_THROW(log.append(5, {{"nothing", 1.0}}), std::exception);
    std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(ARowThatWasCutOffDoesNotStopAResumedRun) {
    const std::string path = pathOf("cut.csv");
    for (const char* cut : {"3", "3,1.5,0.2"}) {  // too few cells, and enough with the last one cut
        std::ofstream(path) << "step,loss,accuracy\n1,0.5,\n2,1.5,0.5\n" << cut;
        RunLog log(path, {"loss", "accuracy"}, 3);
        log.append(4, {{"loss", 2.0}});
        BOOST_CHECK_EQUAL(readLog(path).rows.size(), 3);
    }
    std::ofstream(path) << "step,loss,accuracy\n1,0.5\n2,1.5,0.5\n";
    BOOST_CHECK_THROW(readLog(path), std::exception);  // not the last one: the file is another's
    std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(AnotherDecoderReadsThePictureAsDrawn) {
    const std::string path = pathOf("canvas.png");
    PngCanvas canvas(301, 500);  // more than one stored block, an odd width
    canvas.line(0, 0, 300, 0, Ink::Dark);
    canvas.dot(150, 250, Ink::First);
    canvas.write(path);
    const cv::Mat image = cv::imread(path);
    BOOST_REQUIRE_EQUAL(image.cols, 301);
    BOOST_REQUIRE_EQUAL(image.rows, 500);
    BOOST_CHECK(image.at<cv::Vec3b>(0, 300) == cv::Vec3b(40, 40, 40));
    BOOST_CHECK(image.at<cv::Vec3b>(250, 150) == cv::Vec3b(180, 90, 31));
    BOOST_CHECK(image.at<cv::Vec3b>(499, 300) == cv::Vec3b(255, 255, 255));
    std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(PanelsWithoutPointsAreDrawnEmpty) {
    const std::string path = pathOf("panels.png");
    LogTable table;
    table.columns = {"step", "loss", "constant"};
    table.rows = {{1, 2, 5}, {2, std::nan(""), 5}, {3, 1, 5}};
    writeCurves(path, table, {{"a", "step", {"loss"}}, {"b", "step", {"absent"}}, {"c", "step", {"constant"}}});
    BOOST_CHECK_EQUAL(cv::imread(path).rows, 960);
    std::filesystem::remove(path);
}
