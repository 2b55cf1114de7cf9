// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_PLOTS_HPP
#define HYPERPRED_TOOL_PLOTS_HPP

#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Plots as inline SVG. They take their colours from the page's style sheet, grow with their column and carry a text for
// those who do not see them. All values are shares, 0..1.

struct PlotPoint {
    double x = 0, y = 0;
};
struct PlotLine {
    std::string name;
    std::string style;  // class of the style sheet: "l1" or "l2"
    std::vector<PlotPoint> points;
};
struct PlotAxis {
    std::string name;
    double most = 1;   // where the axis ends
    double least = 0;  // where it begins; only of the upright one
};

// Lines over a common grid, with a legend below and a dashed upright line at `marked` (none below 0).
std::string linePlot(const std::string& description, const PlotAxis& x, const PlotAxis& y,
                     const std::vector<PlotLine>& lines, double marked, const std::string& markedName);

// Reliability diagram: a point a bin at (mean confidence, accuracy) with its interval, beside the diagonal that a
// calibrated network lies on; below, how many images each bin has.
struct ReliabilityBin {
    int images = 0, right = 0;
    double confidence = 0;  // mean
};
std::string reliabilityPlot(const std::string& description, const std::vector<ReliabilityBin>& bins);

// How many of the values lie in each tenth of 0..1.
std::string histogramPlot(const std::string& description, const std::string& axis, const std::vector<double>& values);

// An accuracy with its interval on a scale of 0..100 %; `expected` (none below 0) is what was promised, `chance` what
// guessing would reach.
struct IntervalMarks {
    double low = 0, value = 0, high = 1, chance = 0, expected = -1;
};
std::string intervalPlot(const std::string& description, const IntervalMarks& marks);

// A bar of a table, filled to `share`; decoration beside a number, so it carries no text. style: "good", "bad" or "".
std::string shareBar(double share, const std::string& style);

}  // namespace hyperpred
}  // namespace cv

#endif
