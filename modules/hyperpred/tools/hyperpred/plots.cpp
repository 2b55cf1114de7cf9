// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "plots.hpp"

#include <algorithm>
#include <sstream>

#include "accuracy_interval.hpp"
#include "markup.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kWidth = 350;  // of a plot in the units of its viewBox; a phone shows about one pixel a unit

std::string coordinate(double value) {
    return formatted(value, "%.1f");
}

std::string shortPercent(double share) {
    return formatted(100 * share, "%.0f%%");
}

std::string beginSvg(double width, double height, const std::string& style, const std::string& description) {
    return "<svg class=\"" + style + "\" viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) +
           "\" role=\"img\" aria-label=\"" + escaped(description) + "\"><title>" + escaped(description) + "</title>";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
    return "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" + coordinate(x2) + "\" y2=\"" +
           coordinate(y2) + "\" class=\"" + style + "\"/>";
}

std::string rectangle(double x, double y, double width, double height, const std::string& style) {
    return "<rect x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" width=\"" + coordinate(width) +
           "\" height=\"" + coordinate(height) + "\" class=\"" + style + "\"/>";
}

std::string dot(double x, double y, double radius, const std::string& style) {
    return "<circle cx=\"" + coordinate(x) + "\" cy=\"" + coordinate(y) + "\" r=\"" + coordinate(radius) +
           "\" class=\"" + style + "\"/>";
}

// anchor: start, middle or end
std::string label(double x, double y, const std::string& anchor, const std::string& text) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor + "\">" +
           escaped(text) + "</text>";
}

// The part of a drawing between two axes, in the units of the viewBox.
struct Frame {
    double left = 46, top = 12, width = 280, height = 190;
    double xMost = 1, yLeast = 0, yMost = 1;
    double x(double value) const { return left + width * std::clamp(value / xMost, 0.0, 1.0); }
    double y(double value) const {
        return top + height * (1 - std::clamp((value - yLeast) / (yMost - yLeast), 0.0, 1.0));
    }
    double bottom() const { return top + height; }

    // Five grid lines each way with their numbers, and the names of the axes.
    std::string axes(const std::string& xName, const std::string& yName) const {
        std::string out;
        for (int i = 0; i <= 5; ++i) {
            const double share = i / 5.0;
            const double yValue = yLeast + (yMost - yLeast) * share;
            out += line(left, y(yValue), left + width, y(yValue), "grid");
            out += line(x(xMost * share), top, x(xMost * share), bottom(), "grid");
            out += label(left - 6, y(yValue) + 4, "end", shortPercent(yValue));
            out += label(x(xMost * share), bottom() + 16, "middle", shortPercent(xMost * share));
        }
        out += line(left, bottom(), left + width, bottom(), "axis") + line(left, top, left, bottom(), "axis");
        out += label(left + width / 2, bottom() + 34, "middle", xName);
        out += "<text text-anchor=\"middle\" transform=\"translate(11 " + coordinate(top + height / 2) +
               ") rotate(-90)\">" + escaped(yName) + "</text>";
        return out;
    }
};

}  // namespace

std::string linePlot(const std::string& description, const PlotAxis& x, const PlotAxis& y,
                     const std::vector<PlotLine>& lines, double marked, const std::string& markedName) {
    Frame frame;
    frame.xMost = x.most;
    frame.yLeast = y.least;
    frame.yMost = y.most;
    const double legend = frame.bottom() + 56;
    const double entries = double(lines.size()) + (marked >= 0 ? 1 : 0);
    std::string out = beginSvg(kWidth, legend + 18 * entries - 8, "plot", description) + frame.axes(x.name, y.name);
    double row = legend;
    const auto entry = [&](const std::string& style, const std::string& name) {
        out += line(frame.left, row - 4, frame.left + 22, row - 4, style) + label(frame.left + 30, row, "start", name);
        row += 18;
    };
    for (const PlotLine& one : lines) {
        std::string path;
        for (const PlotPoint& point : one.points) {
            path += (path.empty() ? "M" : "L") + coordinate(frame.x(point.x)) + " " + coordinate(frame.y(point.y));
        }
        out += "<path d=\"" + path + "\" class=\"" + one.style + "\"/>";
        entry(one.style, one.name);
    }
    if (marked >= 0) {
        out += line(frame.x(marked), frame.top, frame.x(marked), frame.bottom(), "mark");
        entry("mark", markedName);
    }
    return out + "</svg>\n";
}

std::string reliabilityPlot(const std::string& description, const std::vector<ReliabilityBin>& bins) {
    Frame frame;
    const double countTop = frame.bottom() + 46, countHeight = 40;
    int most = 1;
    for (const ReliabilityBin& bin : bins) most = std::max(most, bin.images);
    std::string out = beginSvg(kWidth, countTop + countHeight + 22, "plot", description);
    out += frame.axes("probability of the answer", "share that is right");
    out += line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "mark");
    const double wide = frame.width / double(std::max<size_t>(1, bins.size()));
    for (size_t b = 0; b < bins.size(); ++b) {
        const ReliabilityBin& bin = bins[b];
        const double height = countHeight * bin.images / most;
        const double shown = bin.images > 0 ? std::max(height, 1.0) : 0.0;
        out += rectangle(frame.left + wide * double(b) + 1, countTop + countHeight - shown, wide - 2, shown, "fill");
        if (bin.images == 0) continue;
        const AccuracyInterval interval = wilsonInterval(bin.right, bin.images);
        const double x = frame.x(bin.confidence);
        out += line(x, frame.y(interval.low), x, frame.y(interval.high), "whisker");
        out += dot(x, frame.y(double(bin.right) / bin.images), 4, "dot");
    }
    out += line(frame.left, countTop + countHeight, frame.left + frame.width, countTop + countHeight, "axis");
    out += label(frame.left - 6, countTop + 10, "end", std::to_string(most));
    out += label(frame.left + frame.width / 2, countTop + countHeight + 15, "middle", "images of each probability");
    return out + "</svg>\n";
}

std::string histogramPlot(const std::string& description, const std::string& axis, const std::vector<double>& values) {
    std::vector<int> counts(10, 0);
    for (const double value : values) ++counts[size_t(std::clamp(int(value * 10), 0, 9))];
    const int most = std::max(1, *std::max_element(counts.begin(), counts.end()));
    const double left = 10, width = 320, top = 20, height = 120, wide = width / 10;
    std::string out = beginSvg(kWidth, top + height + 40, "plot", description);
    for (size_t b = 0; b < 10; ++b) {
        const double tall = height * counts[b] / most, x = left + wide * double(b);
        out += rectangle(x + 2, top + height - tall, wide - 4, tall, "fill");
        if (counts[b] > 0) out += label(x + wide / 2, top + height - tall - 5, "middle", std::to_string(counts[b]));
        if (b % 2 == 0) out += label(x, top + height + 16, b == 0 ? "start" : "middle", shortPercent(double(b) / 10));
    }
    out += label(left + width, top + height + 16, "end", "100%");
    out += line(left, top + height, left + width, top + height, "axis");
    out += label(left + width / 2, top + height + 34, "middle", axis);
    return out + "</svg>\n";
}

std::string intervalPlot(const std::string& description, const IntervalMarks& marks) {
    const double left = 12, width = 316, y = 26;
    const auto x = [&](double share) { return left + width * share; };
    std::string out = beginSvg(340, 62, "interval", description);
    out += rectangle(left, y - 3, width, 6, "well");
    out += rectangle(x(marks.low), y - 9, std::max(2.0, x(marks.high) - x(marks.low)), 18, "band");
    out += line(x(marks.chance), y - 8, x(marks.chance), y + 8, "mark");
    if (marks.expected >= 0) out += line(x(marks.expected), y - 15, x(marks.expected), y + 15, "l2");
    out += dot(x(marks.value), y, 5, "dot");
    for (int i = 0; i <= 4; ++i) {
        const char* anchor = i == 0 ? "start" : i == 4 ? "end" : "middle";
        out += label(i == 0 ? 0 : i == 4 ? 340 : x(i / 4.0), y + 30, anchor, shortPercent(i / 4.0));
    }
    return out + "</svg>\n";
}

std::string shareBar(double share, const std::string& style) {
    return "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">" +
           rectangle(0, 0, 100, 8, "well") + rectangle(0, 0, 100 * std::clamp(share, 0.0, 1.0), 8, "fill " + style) +
           "</svg>";
}

}  // namespace hyperpred
}  // namespace cv
