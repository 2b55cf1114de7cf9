// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <cmath>
#include <ostream>

#include "markup.hpp"
#include "plots.hpp"
#include "report_sections.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kShownConfusions = 20;  // rows of the list that a cut matrix gets
const size_t kShownName = 60;        // characters

std::string nameOf(const ReportView& view, size_t label) {
    return shortened(view.classes[label].name, kShownName);
}

void writeClass(std::ostream& out, const ReportView& view, size_t label, const Thumbnails& thumbnails) {
    const ShownClass& shown = view.classes[label];
    out << "<li><div class=\"row\"><h3>" << isolated(nameOf(view, label)) << "</h3><span class=\"n\">"
        << percent(shown.accuracy()) << "</span></div>" << shareBar(shown.accuracy(), "good") << "<ul class=\"strip"
        << (shown.examples.size() <= 2 ? " s2" : "") << "\">";
    for (const std::string& file : shown.examples) {
        out << "<li>" << thumbnails.image(file, nameOf(view, label) + ", " + shownFile(file)) << "</li>";
    }
    out << "</ul><p class=\"small soft\">" << shown.right << " of " << counted(size_t(shown.images), "image", "images")
        << " right";
    if (shown.taken > 0) {
        out << "; most often taken for " << isolated(shortened(shown.takenFor, kShownName)) << " (" << shown.taken
            << ")";
    }
    out << "</p></li>\n";
}

const int kMostDigits = 999;  // larger counts would not fit a phone's cells: shares stand there then

// Images of a row's `total`, or their share in percent.
std::string cellText(int images, int total, bool shares) {
    if (!shares || images == 0) return std::to_string(images);
    const double percent = 100 * double(images) / double(total);
    return percent < 1 ? "&lt;1" : formatted(percent, "%.0f");
}

// The colour is the share of the row, its root for mistakes so that rare ones are seen. 0.55 keeps text readable.
std::string cell(int images, int total, bool right, bool shares) {
    if (images == 0 && !right) return "<td></td>";
    const double share = total > 0 ? double(images) / double(total) : 0.0;
    const double strength = images == 0 ? 0.0 : 0.06 + 0.49 * (right ? share : std::sqrt(share));
    return std::string("<td class=\"") + (right ? "hit" : "miss") + "\" style=\"--v:" + formatted(strength, "%.2f") +
           "\">" + cellText(images, total, shares) + "</td>";
}

void writeMatrix(std::ostream& out, const ReportView& view) {
    bool shares = false;
    for (const size_t c : view.matrixClasses) shares = shares || view.classes[c].images > kMostDigits;
    out << "<div class=\"matrix\"><table><caption>Rows: what the images are. Columns: what they were taken for, by the "
           "rows\xE2\x80\x99 numbers. Numbers are "
        << (shares ? "percent of the row" : "images")
        << ".</caption>\n<thead><tr><th scope=\"col\" "
           "class=\"name\">class</th>";
    for (size_t i = 0; i < view.matrixClasses.size(); ++i) {
        out << "<th scope=\"col\">" << i + 1 << "<span class=\"hidden\"> "
            << escaped(nameOf(view, view.matrixClasses[i])) << "</span></th>";
    }
    if (view.matrixCut) out << "<th scope=\"col\" class=\"total\">others</th>";
    out << "<th scope=\"col\" class=\"total\">right</th></tr></thead>\n<tbody>\n";
    for (size_t i = 0; i < view.matrixClasses.size(); ++i) {
        const size_t label = view.matrixClasses[i];
        const ShownClass& shown = view.classes[label];
        out << "<tr><th scope=\"row\"><b>" << i + 1 << "</b>" << isolated(nameOf(view, label)) << "</th>";
        int others = shown.images;
        for (const size_t answer : view.matrixClasses) {
            const int images = view.taken(label, answer);
            others -= images;
            out << cell(images, shown.images, label == answer, shares);
        }
        if (view.matrixCut) out << cell(others, shown.images, false, shares);
        out << "<td>" << formatted(100 * shown.accuracy(), "%.0f%%") << "</td></tr>\n";
    }
    out << "</tbody></table></div>\n";
}

// What a matrix of a thousand classes cannot show: how the accuracies are spread, and the most frequent confusions.
void writeOverview(std::ostream& out, const ReportView& view) {
    std::vector<double> accuracies;
    for (const ShownClass& one : view.classes) {
        if (one.images > 0) accuracies.push_back(one.accuracy());
    }
    out << "<div class=\"two overview\"><div><h3>How the classes do</h3>"
        << histogramPlot("Number of classes by accuracy, in tenths", "accuracy of a class; above: number of classes",
                         accuracies)
        << "</div><div><table><caption>Most frequent confusions</caption><thead><tr><th scope=\"col\">class</th><th "
           "scope=\"col\">"
           "taken for</th><th scope=\"col\" class=\"n\">images</th></tr></thead><tbody>\n";
    for (size_t i = 0; i < std::min(view.confused.size(), kShownConfusions); ++i) {
        const ConfusedPair& pair = view.confused[i];
        out << "<tr><td>" << isolated(nameOf(view, size_t(pair.label))) << "</td><td>"
            << isolated(nameOf(view, size_t(pair.answer))) << "</td><td class=\"n\">" << pair.images << " of "
            << view.classes[size_t(pair.label)].images << "</td></tr>\n";
    }
    out << "</tbody></table></div></div>\n";
}

void writeSide(std::ostream& out, const ReportView& view, size_t label, size_t other,
               const std::vector<std::string>& examples, const std::vector<ShownImage>& wrong,
               const Thumbnails& thumbnails) {
    out << "<div><p class=\"small\">" << isolated(nameOf(view, label)) << "</p><ul class=\"strip s3\">";
    for (const std::string& file : examples) {
        out << "<li>" << thumbnails.image(file, nameOf(view, label) + ", " + shownFile(file)) << "</li>";
    }
    out << "</ul>";
    if (!wrong.empty()) {
        out << "<p class=\"small soft\">taken for " << isolated(nameOf(view, other)) << ":</p><ul class=\"strip s3\">";
        for (const ShownImage& image : wrong) {
            out << "<li>"
                << thumbnails.image(image.file, nameOf(view, label) + " taken for " + nameOf(view, other) + ", " +
                                                    shownFile(image.file))
                << "</li>";
        }
        out << "</ul>";
    }
    out << "</div>";
}

}  // namespace

void writeClasses(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails) {
    out << "<section id=\"classes\"><h2>Classes</h2>\n<p class=\"soft small\">";
    if (view.classesRanked) {
        out << view.shownClasses.size() << " of " << view.classes.size() << " classes, the lowest accuracy first. ";
    }
    out << (view.measured ? "Share of the images of each class that got its name"
                          : "Leave-one-out accuracy of each class")
        << ", and some of its images.</p>\n<ul class=\"cards" << (view.classesRanked ? " dense" : "") << "\">\n";
    for (const size_t label : view.shownClasses) writeClass(out, view, label, thumbnails);
    out << "</ul></section>\n";
}

void writeConfusion(std::ostream& out, const ReportView& view) {
    out << "<section id=\"confusion\"><h2>Confusion matrix</h2>\n<p class=\"soft small\">"
        << (view.measured ? "As measured." : "Leave-one-out.");
    if (view.matrixCut) {
        out << " The " << view.matrixClasses.size()
            << " classes with the most mistakes, the worst first; answers of all other classes are under "
               "\xE2\x80\x9Cothers\xE2\x80\x9D.";
    }
    out << "</p>\n";
    writeMatrix(out, view);
    if (view.matrixCut) writeOverview(out, view);
    out << "</section>\n";
}

void writePairs(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails) {
    if (view.pairs.empty()) return;
    out << "<section id=\"pairs\"><h2>Most confused pairs</h2>\n<p class=\"soft small\">Typical images of both classes "
           "side by side, and below them images that were taken for the other.</p>\n<div class=\"pairs\">\n";
    for (const ShownPair& pair : view.pairs) {
        out << "<div class=\"pair\"><h3>" << isolated(nameOf(view, pair.first)) << " and "
            << isolated(nameOf(view, pair.second)) << "</h3><p class=\"small soft\">" << pair.firstAsSecond << " of "
            << view.classes[pair.first].images << " images of " << isolated(nameOf(view, pair.first))
            << " were taken for " << isolated(nameOf(view, pair.second)) << ", " << pair.secondAsFirst << " of "
            << view.classes[pair.second].images << " the other way round.</p><div class=\"sides\">";
        writeSide(out, view, pair.first, pair.second, pair.firstFiles, pair.firstWrong, thumbnails);
        writeSide(out, view, pair.second, pair.first, pair.secondFiles, pair.secondWrong, thumbnails);
        out << "</div></div>\n";
    }
    out << "</div></section>\n";
}

}  // namespace hyperpred
}  // namespace cv
