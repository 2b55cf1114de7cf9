// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <ostream>

#include "markup.hpp"
#include "plots.hpp"
#include "report_sections.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const double kPoorClass = 0.7;         // accuracy below which a class is named as poor
const double kPoorCalibration = 0.05;  // calibration error that is worth a look
const int kFewImages = 5;              // images of a class
const size_t kNamedClasses = 3, kShownSkipped = 50;

double accuracyOf(const ReportView& view) {
    return view.judged["images"].get<int>() > 0
               ? view.judged["right"].get<double>() / view.judged["images"].get<double>()
               : 0.0;
}

void fact(std::ostream& out, const std::string& name, const std::string& value) {
    out << "<div><dt>" << escaped(name) << "</dt><dd>" << escaped(value) << "</dd></div>\n";
}

void row(std::ostream& out, const std::string& name, const std::string& value) {
    out << "<tr><th scope=\"row\">" << escaped(name) << "</th><td class=\"v\">" << escaped(value) << "</td></tr>\n";
}

std::string listed(const Json& numbers) {
    std::string text;
    for (const Json& number : numbers) text += (text.empty() ? "" : ", ") + number.dump();
    return text;
}

// "gear (52.5 %), washer (60.0 %) and 3 more" of the classes that `chosen` holds for, the lowest accuracy first.
template <typename Chosen>
std::string namedClasses(const ReportView& view, const Chosen& chosen) {
    std::vector<const ShownClass*> found;
    for (const ShownClass& one : view.classes) {
        if (one.images > 0 && chosen(one)) found.push_back(&one);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const ShownClass* a, const ShownClass* b) { return a->accuracy() < b->accuracy(); });
    std::string text;
    for (size_t i = 0; i < std::min(found.size(), kNamedClasses); ++i) {
        text +=
            (i > 0 ? ", " : "") + isolated(shortened(found[i]->name, 40)) + " (" + percent(found[i]->accuracy()) + ")";
    }
    if (found.size() > kNamedClasses) text += " and " + std::to_string(found.size() - kNamedClasses) + " more";
    return text;
}

std::string link(const std::string& target, const std::string& text) {
    return "<a href=\"#" + target + "\">" + text + "</a>";
}

void adviseOnImages(std::vector<std::string>& advice, const ReportView& view) {
    if (view.conflictCount > 0) {
        advice.push_back(link("copies", counted(view.conflictCount, "pair", "pairs") + " of equal pictures") +
                         (view.conflictCount == 1 ? " lies" : " lie") + " under two labels: one of them is wrong.");
    }
    if (!view.measured && view.wrongCount > 0) {
        advice.push_back("Look through the " + link("suspects", counted(view.wrongCount, "suspect", "suspects")) +
                         ", the first ones at least: wrong labels gather there.");
    }
    const size_t images = view.judged["images"];
    if (view.duplicateCount * 50 > images) {
        advice.push_back(link("copies", counted(view.duplicateCount, "image is a copy", "images are copies")) +
                         ": copies answer for each other, so the expected accuracy is too good.");
    }
    const size_t skipped = view.report["skipped"].size();
    if (skipped > 0) {
        advice.push_back(link("skipped", counted(skipped, "file was skipped", "files were skipped")) + ".");
    }
}

std::vector<std::string> adviceFor(const ReportView& view) {
    std::vector<std::string> advice;
    adviseOnImages(advice, view);
    const std::string few = namedClasses(view, [](const ShownClass& one) { return one.images < kFewImages; });
    if (!few.empty()) advice.push_back("Fewer than " + std::to_string(kFewImages) + " images: " + few + ".");
    const std::string poor = namedClasses(
        view, [](const ShownClass& one) { return one.images >= kFewImages && one.accuracy() < kPoorClass; });
    if (!poor.empty()) {
        advice.push_back("Often mistaken: " + poor + ". " + link("pairs", "See what for") +
                         "; more pictures of them help most.");
    }
    if (view.judged["calibration_error"].get<double>() > kPoorCalibration) {
        advice.push_back("The probabilities are off by " + percent(view.judged["calibration_error"]) +
                         " on average: " + link("reliability", "see where") + ".");
    }
    return advice;
}

std::string intervalSentence(const ReportView& view) {
    const double low = view.judged["interval"][0], high = view.judged["interval"][1];
    const std::string counts = view.judged["right"].dump() + " of " + view.judged["images"].dump();
    const std::string range = "Between " + percent(low) + " and " + percent(high) +
                              " with 95\xC2\xA0% confidence (Wilson's score interval of " + counts + ").";
    return view.measured
               ? range
               : range + " Leave-one-out: each support image was judged by a head that was fitted without it.";
}

void writeHero(std::ostream& out, const ReportView& view) {
    const Json& network = view.network;
    const double accuracy = accuracyOf(view);
    IntervalMarks marks;
    marks.value = accuracy;
    marks.low = view.judged["interval"][0];
    marks.high = view.judged["interval"][1];
    marks.chance = 1 / double(view.classes.size());
    std::string described = (view.measured ? "Measured accuracy " : "Expected accuracy ") + percent(accuracy) +
                            ", interval " + percent(marks.low) + " to " + percent(marks.high) + ", chance " +
                            percent(marks.chance);
    if (view.measured && network.contains("expected_accuracy")) {
        marks.expected = network["expected_accuracy"];
        described += ", expected " + percent(marks.expected);
    }
    out << "<div><h2>" << (view.measured ? "Measured accuracy" : "Expected accuracy") << "</h2><p class=\"big\">"
        << percent(accuracy) << "</p><p>"
        << (view.measured ? "of the images got the right name."
                          : "of new images of the same kind will get the right name.")
        << "</p>" << intervalPlot(described, marks) << "<p class=\"small\">" << intervalSentence(view);
    if (marks.expected >= 0) {
        const bool inside = marks.expected >= marks.low && marks.expected <= marks.high;
        out << " When it was predicted, the network expected " << percent(marks.expected) << " of itself, "
            << (inside ? "which lies within." : "which lies outside: these images are of another kind.");
    }
    out << " The dashed mark is what guessing reaches"
        << (marks.expected >= 0 ? ", the upright line what was expected.</p></div>\n" : ".</p></div>\n");
}

void writeFacts(std::ostream& out, const ReportView& view) {
    out << "<dl class=\"facts\">\n";
    fact(out, "classes", std::to_string(view.classes.size()));
    fact(out, view.measured ? "images" : "support images", view.judged["images"].dump());
    if (view.measured) fact(out, "among the first five", percent(view.report["top5"]));
    fact(out, view.measured ? "mistakes" : "suspects", std::to_string(view.wrongCount));
    if (!view.measured) fact(out, "conflicts", std::to_string(view.conflictCount));
    fact(out, "calibration error", percent(view.judged["calibration_error"]));
    if (view.measured) {
        fact(out, "refused as unknown", percent(view.report["refused"]));
        if (view.report["foreign_images"].get<int>() > 0) {
            fact(out, "strangers refused", percent(view.report["foreign_refused"]));
        }
    } else {
        fact(out, "time", formatted(view.report["milliseconds"]["total"].get<double>() / 1000, "%.1f s"));
    }
    out << "</dl>\n";
}

std::string headSentence(const Json& network) {
    const std::string head = network["head"];
    if (head == "ridge") {
        return "The ridge head\xE2\x80\x99s lambda is the one of a grid whose leave-one-out log loss is the least.";
    }
    if (head == "lda") return "The shrinkage of the shared covariance follows from the features (Ledoit-Wolf).";
    return "The cosine head compares with class means and has nothing to regularise.";
}

std::string weightsSentence(const Json& network) {
    const std::string weights = network["weights"];
    if (!network.contains("leave_one_out_on_sample")) {
        return "Only the " + weights + " weights were asked for or are in the model, so there was nothing to choose.";
    }
    const std::string other = weights == "base" ? "predicted" : "base";
    const double own = network["leave_one_out_on_sample"][weights], its = network["leave_one_out_on_sample"][other];
    const std::string compared = "on the sample of " + network["sample"].dump() + " images: leave-one-out accuracy " +
                                 percent(own) + " against " + percent(its) + " of the " + other + " weights";
    if (own == its) return "Both weights were equally often right " + compared + "; the log loss decided.";
    return "The " + weights + " weights were better " + compared + ".";
}

}  // namespace

void writeSummary(std::ostream& out, const ReportView& view) {
    const Json& network = view.network;
    const std::string name = network.value("architecture", std::string("Network"));
    out << "<header><h1>" << escaped(name) << (view.measured ? " on " : " for ")
        << counted(view.classes.size(), "class", "classes") << "</h1>\n<p class=\"soft\">"
        << (view.measured ? "Evaluation of a predicted network on images that it is tried on."
                          : "A network predicted from labelled images, without training.")
        << "</p></header>\n<main>\n<div class=\"hero\">";
    writeHero(out, view);
    out << "<div class=\"side\">";
    writeFacts(out, view);
    const std::vector<std::string> advice = adviceFor(view);
    out << "<div class=\"notice\"><h2>Look at this first</h2>";
    if (advice.empty()) out << "<p>Nothing stands out.</p>";
    if (!advice.empty()) out << "<ul>";
    for (const std::string& sentence : advice) out << "<li>" << sentence << "</li>\n";
    if (!advice.empty()) out << "</ul>";
    out << "</div></div></div>\n";
}

void writeChoice(std::ostream& out, const ReportView& view) {
    const Json& network = view.network;
    if (!network.contains("head")) return;
    out << "<section id=\"choice\"><h2>What was chosen, and why</h2>\n<p>" << escaped(weightsSentence(network)) << " "
        << escaped(headSentence(network)) << "</p>\n<table><caption class=\"hidden\">Choices</caption><tbody>\n";
    row(out, "weights", network["weights"]);
    if (network.contains("leave_one_out_on_sample")) {
        for (const auto& item : network["leave_one_out_on_sample"].items()) {
            row(out, item.key() + " weights, leave-one-out on the sample", percent(item.value()));
        }
    }
    row(out, "head", network["head"]);
    const std::string head = network["head"];
    if (head != "cosine") row(out, head == "lda" ? "shrinkage" : "lambda", formatted(network["regulariser"], "%.4g"));
    row(out, "temperature (what scores are multiplied by)", formatted(network["temperature"], "%.4g"));
    row(out, "pooled stages", listed(network["features"]));
    row(out, "pooled by", network["pooling"] == "rms" ? "root mean square" : network["pooling"]);
    row(out, "features", network["feature_count"].dump());
    row(out, "images for sketch and calibration", network["sample"].dump());
    row(out, "log loss, leave-one-out", formatted(network["expected_log_loss"], "%.3f"));
    if (network.contains("dropped_suspects")) {
        row(out, "suspects left out", network["dropped_suspects"].dump());
        row(out, "expected accuracy with them", percent(network["expected_accuracy_of_all"]));
    }
    if (!view.measured) row(out, "device", view.report["device"]);
    out << "</tbody></table></section>\n";
}

void writeTimes(std::ostream& out, const ReportView& view) {
    if (!view.report.contains("milliseconds")) return;
    const Json& times = view.report["milliseconds"];
    const double total = times["total"];
    out << "<section id=\"times\"><h2>Time</h2>\n<table><caption>Milliseconds of each stage, reading the files not "
           "counted.</caption><thead><tr><th scope=\"col\">stage</th><th scope=\"col\" class=\"n\">ms</th>"
           "<th scope=\"col\" class=\"w\">share</th></tr></thead><tbody>\n";
    for (const auto& stage : times.items()) {
        const double ms = stage.value();
        out << "<tr><th scope=\"row\">" << escaped(stage.key()) << "</th><td class=\"n\">" << formatted(ms, "%.1f")
            << "</td><td class=\"w\">" << (stage.key() == "total" ? "" : shareBar(total > 0 ? ms / total : 0, ""))
            << "</td></tr>\n";
    }
    out << "</tbody></table></section>\n";
}

void writeSkipped(std::ostream& out, const ReportView& view) {
    const Json& skipped = view.report["skipped"];
    if (skipped.empty()) return;
    out << "<section id=\"skipped\"><h2>Skipped files (" << skipped.size() << ")</h2>\n<ul class=\"small\">\n";
    for (size_t i = 0; i < std::min(skipped.size(), kShownSkipped); ++i) {
        out << "<li>" << isolated(shortened(skipped[i].get<std::string>(), 300)) << "</li>\n";
    }
    out << "</ul>";
    if (skipped.size() > kShownSkipped) out << "<p>" << skipped.size() - kShownSkipped << " more are in the JSON.</p>";
    out << "</section>\n";
}

}  // namespace hyperpred
}  // namespace cv
