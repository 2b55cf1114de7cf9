// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cmath>
#include <ostream>

#include "accuracy_interval.hpp"
#include "markup.hpp"
#include "plots.hpp"
#include "report_sections.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const size_t kTableRows = 11;  // of the rejection curve

std::string cellOf(double share) {
    return "<td class=\"n\">" + percent(share) + "</td>";
}

void writeReliabilityTable(std::ostream& out, const std::vector<ReliabilityBin>& bins) {
    out << "<details><summary>The numbers</summary><table><caption>Bins of the probability of the answer; the interval "
           "is "
           "Wilson\xE2\x80\x99s, 95\xC2\xA0%</caption><thead><tr><th scope=\"col\" class=\"n\">probability</th>"
           "<th scope=\"col\" class=\"n\">right</th><th scope=\"col\" class=\"n\">interval</th>"
           "<th scope=\"col\" class=\"n\">images</th></tr></thead><tbody>\n";
    for (const ReliabilityBin& bin : bins) {
        if (bin.images == 0) continue;
        const AccuracyInterval interval = wilsonInterval(bin.right, bin.images);
        out << "<tr>" << cellOf(bin.confidence) << cellOf(double(bin.right) / bin.images) << "<td class=\"n\">"
            << formatted(100 * interval.low, "%.0f") << "\xE2\x80\x93" << formatted(100 * interval.high, "%.0f")
            << "\xC2\xA0%</td><td class=\"n\">" << bin.images << "</td></tr>\n";
    }
    out << "</tbody></table></details>\n";
}

void writeRejectionTable(std::ostream& out, const Json& points, bool strangers) {
    out << "<details><summary>The numbers</summary><table><caption>Some thresholds of familiarity</caption><thead><tr>"
           "<th scope=\"col\" class=\"n\">refused</th><th scope=\"col\" class=\"n\">right of the rest</th>";
    if (strangers) out << "<th scope=\"col\" class=\"n\">strangers refused</th>";
    out << "<th scope=\"col\" class=\"n\">threshold</th></tr></thead><tbody>\n";
    const size_t rows = std::min(points.size(), kTableRows);
    for (size_t i = 0; i < rows; ++i) {
        const Json& point = points[rows > 1 ? i * (points.size() - 1) / (rows - 1) : 0];
        out << "<tr>" << cellOf(point["refused"]) << cellOf(point["accuracy"]);
        if (strangers) out << cellOf(point["strangers_refused"]);
        out << "<td class=\"n\">" << formatted(point["threshold"], "%.3f") << "</td></tr>\n";
    }
    out << "</tbody></table></details>\n";
}

}  // namespace

void writeReliability(std::ostream& out, const ReportView& view) {
    std::vector<ReliabilityBin> bins;
    for (const Json& row : view.judged["reliability"]) {
        ReliabilityBin bin;
        bin.images = row["images"];
        bin.right = row["right"];
        bin.confidence = row["confidence"];
        bins.push_back(bin);
    }
    const double error = view.judged["calibration_error"];
    out << "<section id=\"reliability\"><h2>Reliability</h2>\n<p class=\"soft small\">Are answers right as often as "
           "their "
           "probability says? Points on the dashed line are; below it the network is too sure. The upright lines are "
           "95\xC2\xA0% "
           "intervals. Calibration error: "
        << percent(error) << ".</p>\n"
        << reliabilityPlot("Reliability diagram: share of right answers by probability; calibration error " +
                               percent(error) + ". The numbers are in the table below.",
                           bins);
    writeReliabilityTable(out, bins);
    out << "</section>\n";
}

void writeRejection(std::ostream& out, const ReportView& view) {
    const Json& points = view.judged["rejection"];
    if (points.empty()) return;
    const bool strangers = points[0].contains("strangers_refused");
    PlotLine accuracy, refused;
    accuracy.name = "right answers among the rest";
    accuracy.style = "l1";
    refused.name = "strangers that are refused";
    refused.style = "l2";
    for (const Json& point : points) {
        accuracy.points.push_back({point["refused"], point["accuracy"]});
        if (strangers) refused.points.push_back({point["refused"], point["strangers_refused"]});
    }
    std::vector<PlotLine> lines = {accuracy};
    if (strangers) lines.push_back(refused);
    // Accuracies alone lie close together: the axis then begins at the tenth below the lowest.
    double least = strangers ? 0.0 : 0.9;
    for (const Json& point : points) least = std::min(least, std::floor(10 * point["accuracy"].get<double>()) / 10);
    const double marked = view.measured ? view.report["refused"] : view.report["rejected"];
    out << "<section id=\"rejection\"><h2>Refusing the unknown</h2>\n<p class=\"soft small\">An image is unknown when "
           "its "
           "familiarity is below a threshold. A higher threshold refuses more strangers and more images of the "
           "classes; of "
           "those that are left, more answers are right. <code>--rejected</code> of predict sets it.";
    if (!strangers) {
        out << " How many strangers are refused only <code>evaluate</code> can tell, on a folder that has some.";
    }
    out << "</p>\n"
        << linePlot("Unknown-rejection curve. The numbers are in the table below.",
                    {"share of the images of the classes that is refused", marked > 0.5 ? 1.0 : 0.5},
                    {"share", 1.0, least}, lines, marked,
                    "this network: " + percent(marked) + " refused");
    writeRejectionTable(out, points, strangers);
    out << "</section>\n";
}

}  // namespace hyperpred
}  // namespace cv
