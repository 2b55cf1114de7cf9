// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE plots
#include <boost/test/unit_test.hpp>

#include "plots.hpp"
#include "sentence.hpp"

using namespace cv::hyperpred;
using test::holds;

namespace {

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

}  // namespace

// The frame is 280 x 190 units with its lower left corner at (46, 202).
BOOST_AUTO_TEST_CASE(lines_end_where_their_values_are) {
    PlotLine line;
    line.name = "right & left";
    line.style = "l1";
    line.points = {{0, 0}, {0.25, 0.5}, {0.5, 1}, {0.7, 1.2}};  // the last beyond both axes
    const std::string plot = linePlot("a \"plot\"", {"share", 0.5}, {"other", 1}, {line}, 0.25, "here");
    BOOST_TEST(holds(plot, "d=\"M46.0 202.0L186.0 107.0L326.0 12.0L326.0 12.0\""));
    BOOST_TEST(holds(plot, "<line x1=\"186.0\" y1=\"12.0\" x2=\"186.0\" y2=\"202.0\" class=\"mark\"/>"));
    BOOST_TEST(holds(plot, "right &amp; left"));
    BOOST_TEST(holds(plot, "aria-label=\"a &quot;plot&quot;\""));
    BOOST_TEST(holds(plot, ">50%<"));
    BOOST_TEST(count(linePlot("d", {"x", 1}, {"y", 1}, {line}, -1, "here"), "\"mark\"") == 0u);
}

BOOST_AUTO_TEST_CASE(reliability_has_a_point_a_filled_bin) {
    std::vector<ReliabilityBin> bins(15);
    bins[7].images = 4;
    bins[7].right = 2;
    bins[7].confidence = 0.5;
    bins[14].images = 1000;
    bins[14].right = 1000;
    bins[14].confidence = 1;
    const std::string plot = reliabilityPlot("d", bins);
    BOOST_TEST(count(plot, "<circle") == 2u);
    BOOST_TEST(count(plot, "whisker") == 2u);
    BOOST_TEST(holds(plot, "<circle cx=\"186.0\" cy=\"107.0\""));
    BOOST_TEST(holds(plot, "<circle cx=\"326.0\" cy=\"12.0\""));
    BOOST_TEST(holds(plot, "height=\"1.0\" class=\"fill\""));  // 4 of 1,000 are still seen
    BOOST_TEST(holds(plot, ">1000<"));
    BOOST_TEST(count(reliabilityPlot("d", std::vector<ReliabilityBin>(15)), "<circle") == 0u);
}

BOOST_AUTO_TEST_CASE(histogram_counts_tenths) {
    const std::string plot = histogramPlot("d", "accuracy", {0, 0.05, 0.1, 0.999, 1, 1, 0.95});
    BOOST_TEST(count(plot, ">2</text>") == 1u);
    BOOST_TEST(count(plot, ">1</text>") == 1u);
    BOOST_TEST(count(plot, ">4</text>") == 1u);
    BOOST_TEST(count(plot, "<rect") == 10u);
}

BOOST_AUTO_TEST_CASE(interval_and_bars) {
    IntervalMarks marks;
    marks.low = 0.5;
    marks.value = 0.75;
    marks.high = 1;
    marks.chance = 0.1;
    const std::string plain = intervalPlot("d", marks);
    BOOST_TEST(holds(plain, "<rect x=\"170.0\" y=\"17.0\" width=\"158.0\""));
    BOOST_TEST(holds(plain, "<circle cx=\"249.0\""));
    BOOST_TEST(count(plain, "\"l2\"") == 0u);
    marks.expected = 0.6;
    BOOST_TEST(count(intervalPlot("d", marks), "\"l2\"") == 1u);
    BOOST_TEST(holds(shareBar(0.25, "good"), "width=\"25.0\" height=\"8.0\" class=\"fill good\""));
    BOOST_TEST(holds(shareBar(7, ""), "width=\"100.0\" height=\"8.0\" class=\"fill \""));
}
