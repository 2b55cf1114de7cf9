// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "curves.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <ostream>
#include <sstream>

#include "atomic_file.hpp"
#include "error.hpp"
#include "png_canvas.hpp"

namespace cv {
namespace hyperpred {

namespace {

const double kMissing = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> splitRow(const std::string& line) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
        if (c == ',') {
            cells.emplace_back();
        } else if (c != '\r') {
            cells.back() += c;
        }
    }
    return cells;
}

double parseCell(const std::string& cell, const std::string& path, size_t line) {
    if (cell.empty()) return kMissing;
    char* end = nullptr;
    const double value = std::strtod(cell.c_str(), &end);
    if (*end != '\0') {
        fail(Failure::BadFile,
             "log \"" + path + "\", line " + std::to_string(line) + ": \"" + cell + "\" is no number");
    }
    return value;
}

std::string formatNumber(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string formatRow(const std::vector<double>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += ",";
        if (!std::isnan(row[i])) line += formatNumber(row[i]);
    }
    return line + "\n";
}

std::string formatHeader(const LogTable& table) {
    std::string line;
    for (const std::string& column : table.columns) line += (line.empty() ? "" : ",") + column;
    return line + "\n";
}

struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    void take(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    bool empty() const { return !(low <= high); }
    void widen() {
        if (high - low > 1e-9 * std::max(std::abs(high), 1e-6)) return;
        low -= 0.5;
        high += 0.5;
    }
};

using Points = std::vector<std::pair<double, double>>;

Points pointsOf(const LogTable& table, const std::string& x, const std::string& y) {
    const auto columnOf = [&](const std::string& name) {
        return size_t(std::find(table.columns.begin(), table.columns.end(), name) - table.columns.begin());
    };
    const size_t across = columnOf(x), up = columnOf(y);
    Points points;
    if (across == table.columns.size() || up == table.columns.size()) return points;
    for (const std::vector<double>& row : table.rows) {
        if (std::isfinite(row[across]) && std::isfinite(row[up])) points.emplace_back(row[across], row[up]);
    }
    return points;
}

// Distance of the marks of an axis: 1, 2 or 5 times a power of ten, about five marks.
double markStep(const Range& range) {
    const double raw = (range.high - range.low) / 5, power = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (raw <= factor * power) return factor * power;
    }
    return 10 * power;
}

const int kWidth = 960, kPanelHeight = 320;
const int kLeft = 80, kRight = 20, kTop = 44, kBottom = 34;

// The frame of one panel: where numbers lie on the canvas.
struct Frame {
    int top = 0;
    Range x, y;
    int across(double value) const {
        return kLeft + int(std::lround((value - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight)));
    }
    int down(double value) const {
        const int height = kPanelHeight - kTop - kBottom;
        return top + kTop + height - int(std::lround((value - y.low) / (y.high - y.low) * height));
    }
};

void drawAxes(PngCanvas& canvas, const Frame& frame, const Panel& panel) {
    const int bottom = frame.top + kPanelHeight - kBottom;
    for (double v = std::ceil(frame.y.low / markStep(frame.y)) * markStep(frame.y); v <= frame.y.high;
         v += markStep(frame.y)) {
        canvas.line(kLeft, frame.down(v), kWidth - kRight, frame.down(v), Ink::Faint);
        const std::string text = formatNumber(std::abs(v) < 1e-9 * markStep(frame.y) ? 0 : v);
        canvas.text(kLeft - 8 - PngCanvas::textWidth(text), frame.down(v) - 5, text, Ink::Dark);
    }
    for (double v = std::ceil(frame.x.low / markStep(frame.x)) * markStep(frame.x); v <= frame.x.high;
         v += markStep(frame.x)) {
        canvas.line(frame.across(v), bottom, frame.across(v), bottom + 4, Ink::Dark);
        const std::string text = formatNumber(v);
        canvas.text(frame.across(v) - PngCanvas::textWidth(text) / 2, bottom + 9, text, Ink::Dark);
    }
    canvas.line(kLeft, frame.top + kTop, kLeft, bottom, Ink::Dark);
    canvas.line(kLeft, bottom, kWidth - kRight, bottom, Ink::Dark);
    canvas.text(kWidth - kRight - PngCanvas::textWidth(panel.x), bottom + 22, panel.x, Ink::Dark);
}

void drawPanel(PngCanvas& canvas, int top, const LogTable& table, const Panel& panel) {
    Frame frame;
    frame.top = top;
    std::vector<Points> curves;
    for (const std::string& name : panel.y) {
        curves.push_back(pointsOf(table, panel.x, name));
        for (const auto& point : curves.back()) {
            frame.x.take(point.first);
            frame.y.take(point.second);
        }
    }
    canvas.text(kLeft, top + 8, panel.title, Ink::Dark);
    if (frame.x.empty()) return;
    frame.x.widen();
    frame.y.widen();
    drawAxes(canvas, frame, panel);
    int legend = kLeft;
    for (size_t i = 0; i < curves.size(); ++i) {
        const Ink ink = static_cast<Ink>(int(Ink::First) + int(i % kCurveInks));
        canvas.text(legend, top + 26, panel.y[i], ink);
        legend += PngCanvas::textWidth(panel.y[i]) + 24;
        for (size_t p = 1; p < curves[i].size(); ++p) {
            canvas.line(frame.across(curves[i][p - 1].first), frame.down(curves[i][p - 1].second),
                        frame.across(curves[i][p].first), frame.down(curves[i][p].second), ink);
        }
        for (const auto& point : curves[i]) canvas.dot(frame.across(point.first), frame.down(point.second), ink);
    }
}

}  // namespace

LogTable readLog(const std::string& path) {
    LogTable table;
    std::ifstream in(path, std::ios::binary);
    std::string line;
    if (!in || !std::getline(in, line)) return table;
    table.columns = splitRow(line);
    for (size_t number = 2; std::getline(in, line); ++number) {
        if (in.eof()) break;  // no line end: written when the disk was full or the power went
        const std::vector<std::string> cells = splitRow(line);
        if (cells.size() != table.columns.size()) {
            fail(Failure::BadFile, "log \"" + path + "\", line " + std::to_string(number) + ": has " +
                                       std::to_string(cells.size()) + " cells, the header has " +
                                       std::to_string(table.columns.size()));
        }
        table.rows.emplace_back();
        for (const std::string& cell : cells) table.rows.back().push_back(parseCell(cell, path, number));
    }
    return table;
}

RunLog::RunLog(const std::string& path, const std::vector<std::string>& columns, int64_t lastStep) : path_(path) {
    table_.columns = columns;
    table_.columns.insert(table_.columns.begin(), "step");
    const LogTable before = lastStep > 0 ? readLog(path) : LogTable();
    if (before.columns == table_.columns) {
        for (const std::vector<double>& row : before.rows) {
            if (row[0] <= double(lastStep)) table_.rows.push_back(row);
        }
    }
    writeAtomically(path_, [&](std::ostream& out) {
        out << formatHeader(table_);
        for (const std::vector<double>& row : table_.rows) out << formatRow(row);
    });
}

void RunLog::append(int64_t step, const std::map<std::string, double>& quantities) {
    std::vector<double> row(table_.columns.size(), kMissing);
    row[0] = double(step);
    for (const auto& quantity : quantities) {
        const auto column = std::find(table_.columns.begin(), table_.columns.end(), quantity.first);
        if (column == table_.columns.end()) fail(Failure::Internal, "the log has no column \"" + quantity.first + "\"");
        row[size_t(column - table_.columns.begin())] = quantity.second;
    }
    table_.rows.push_back(row);
    std::ofstream out(path_, std::ios::binary | std::ios::app);
    out << formatRow(row);
    out.flush();
    if (!out) fail(Failure::BadFile, "log \"" + path_ + "\": cannot be written");
}

void writeCurves(const std::string& path, const LogTable& table, const std::vector<Panel>& panels) {
    PngCanvas canvas(kWidth, kPanelHeight * int(std::max<size_t>(1, panels.size())));
    for (size_t i = 0; i < panels.size(); ++i) drawPanel(canvas, kPanelHeight * int(i), table, panels[i]);
    canvas.write(path);
}

}  // namespace hyperpred
}  // namespace cv
