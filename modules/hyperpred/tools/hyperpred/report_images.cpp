// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <ostream>

#include "markup.hpp"
#include "plots.hpp"
#include "report_sections.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kShownName = 60;    // characters
const size_t kShownCopies = 12;  // files named of a group of equal images

std::string described(const ShownImage& image) {
    std::string text = shownFile(image.file);
    if (!image.label.empty()) text += ", labelled " + shortened(image.label, kShownName);
    return text + ", looks like " + shortened(image.looksLike, kShownName);
}

void writeTile(std::ostream& out, const ShownImage& image, const Thumbnails& thumbnails) {
    out << "<li><figure>" << thumbnails.image(image.file, described(image)) << "<figcaption>";
    if (!image.label.empty()) out << "labelled <b>" << isolated(shortened(image.label, kShownName)) << "</b><br>";
    out << "looks like <b>" << isolated(shortened(image.looksLike, kShownName)) << "</b>";
    if (!image.label.empty()) {
        out << shareBar(image.margin, "bad") << "sure by " << formatted(100 * image.margin, "%.0f\xC2\xA0%%") << ", ";
    } else {
        out << "<br>";
    }
    out << isolated(shownFile(image.file)) << "</figcaption></figure></li>\n";
}

void writeTiles(std::ostream& out, const std::vector<ShownImage>& images, const Thumbnails& thumbnails) {
    out << "<ul class=\"tiles\">\n";
    for (const ShownImage& image : images) writeTile(out, image, thumbnails);
    out << "</ul>\n";
}

void writeShown(std::ostream& out, size_t shown, size_t all) {
    if (shown < all)
        out << "<p class=\"small\">The first " << shown << " of " << all << " are shown; --json lists more.</p>";
}

void writeGroup(std::ostream& out, const ShownGroup& group, size_t pictures, const Thumbnails& thumbnails) {
    out << "<li><ul class=\"strip s2\">";
    for (size_t i = 0; i < std::min(group.files.size(), pictures); ++i) {
        out << "<li>" << thumbnails.image(group.files[i], shownFile(group.files[i])) << "</li>";
    }
    out << "</ul><p class=\"small soft\">";
    for (size_t i = 0; i < std::min(group.files.size(), kShownCopies); ++i) {
        out << (i > 0 ? "<br>" : "") << isolated(shownFile(group.files[i]));
    }
    if (group.files.size() > kShownCopies) out << "<br>and " << group.files.size() - kShownCopies << " more";
    out << "</p></li>\n";
}

}  // namespace

void writeWrong(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails) {
    if (view.wrong.empty()) return;
    out << "<section id=\"suspects\"><h2>" << (view.measured ? "Mistakes" : "Suspects") << " (" << view.wrongCount
        << ")</h2>\n<p class=\"soft small\">"
        << (view.measured
                ? "Images that got another name than their label, the surest first. Among the first there may be "
                  "wrong labels."
                : "Support images that a head fitted without them would name otherwise, the surest first. Among "
                  "the first are wrong labels, if there are any; further down are hard images.")
        << " \xE2\x80\x9CSure by\xE2\x80\x9D is the probability of the answer less that of the label.</p>\n";
    writeTiles(out, view.wrong, thumbnails);
    writeShown(out, view.wrong.size(), view.wrongCount);
    out << "</section>\n";
}

void writeDropped(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails) {
    if (view.dropped.empty()) return;
    const size_t all = view.report["dropped"].size();
    out << "<section id=\"dropped\"><h2>Left out (" << all
        << ")</h2>\n<p class=\"soft small\">Suspects that the network was predicted without. With them the expected "
           "accuracy was "
        << percent(view.report["expected_accuracy_of_all"]) << ". What is left looks easier than it is.</p>\n";
    writeTiles(out, view.dropped, thumbnails);
    writeShown(out, view.dropped.size(), all);
    out << "</section>\n";
}

void writeCopies(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails) {
    if (view.measured) return;
    out << "<section id=\"copies\"><h2>Conflicts and duplicates</h2>\n";
    if (view.conflicts.empty() && view.duplicates.empty()) {
        out << "<p>No two images have the same pixels at the network\xE2\x80\x99s size.</p>\n";
    }
    if (!view.conflicts.empty()) {
        out << "<h3>The same pixels under two labels (" << view.conflictCount
            << ")</h3><p class=\"soft small\">One of the two labels is wrong, or the classes overlap.</p><ul "
               "class=\"cards\">\n";
        for (const ShownGroup& group : view.conflicts) writeGroup(out, group, 2, thumbnails);
        out << "</ul>\n";
        writeShown(out, view.conflicts.size(), view.conflictCount);
    }
    if (!view.duplicates.empty()) {
        out << "<h3>The same pixels more than once under one label (" << counted(view.duplicateCount, "copy", "copies")
            << ")</h3><p class=\"soft small\">Copies answer for each other when one is left out: the expected accuracy "
               "is too "
               "good by what they contribute.</p><ul class=\"cards\">\n";
        for (const ShownGroup& group : view.duplicates) writeGroup(out, group, 1, thumbnails);
        out << "</ul>\n";
        writeShown(out, view.duplicates.size(), view.report["duplicates"].size());
    }
    out << "</section>\n";
}

void writeStrangers(std::ostream& out, const ReportView& view, const Thumbnails& thumbnails) {
    if (view.strangers.empty()) return;
    out << "<section id=\"strangers\"><h2>Strangers that were accepted</h2>\n<p class=\"soft small\">Of "
        << counted(view.report["foreign_images"].get<size_t>(), "image", "images") << " of no class of the network, "
        << percent(view.report["foreign_refused"])
        << " were refused. These were not, the most familiar first. A class of their own for such things refuses them "
           "far "
           "better.</p>\n";
    writeTiles(out, view.strangers, thumbnails);
    writeShown(out, view.strangers.size(), view.report["strangers_accepted"]);
    out << "</section>\n";
}

}  // namespace hyperpred
}  // namespace cv
