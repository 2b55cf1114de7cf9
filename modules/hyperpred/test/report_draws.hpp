// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_REPORT_DRAWS_HPP
#define HYPERPRED_TEST_REPORT_DRAWS_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "judgement.hpp"

// Reports as `hyperpred predict` and `evaluate` make them, of answers that are drawn up instead of measured.

namespace cv {
namespace hyperpred {

struct DrawnReport {
    int classes = 3, each = 5;      // images of each class
    std::string file = "none.jpg";  // of every picture
    std::string prefix = "class ";  // of the names, a number follows
    int wrongEvery = 2;             // every so manieth image is answered as the next class
};

inline nlohmann::ordered_json drawnCounts(const DrawnReport& drawn, bool strangers) {
    Judgement judgement(drawn.classes);
    int image = 0;
    for (int c = 0; c < drawn.classes; ++c) {
        for (int i = 0; i < drawn.each; ++i, ++image) {
            const bool wrong = image % drawn.wrongEvery == 0;
            judgement.add(c, wrong ? (c + 1) % drawn.classes : c, wrong ? 0.4 : 0.8, float(image % 17));
        }
    }
    for (int i = 0; i < 30 && strangers; ++i) judgement.addStranger(float(i) - 20);
    return nlohmann::ordered_json::parse(judgement.json());
}

// The list of wrong answers, under the keys that suspects and mistakes share.
inline nlohmann::ordered_json drawnRows(const DrawnReport& drawn, size_t rows) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (size_t i = 0; i < rows; ++i) {
        const int c = int(i) % drawn.classes;
        list.push_back({{"file", drawn.file},
                        {"label", drawn.prefix + std::to_string(c)},
                        {"looks_like", drawn.prefix + std::to_string((c + 1) % drawn.classes)},
                        {"margin", 1 - double(i) / double(rows + 1)}});
    }
    return list;
}

inline void addDrawnClasses(nlohmann::ordered_json& report, const DrawnReport& drawn) {
    for (int c = 0; c < drawn.classes; ++c) {
        report["class_names"].push_back(drawn.prefix + std::to_string(c));
        report["examples"].push_back(std::vector<std::string>(6, drawn.file));
    }
    report["skipped"] = std::vector<std::string>(3, drawn.prefix + ": not an image");
}

inline nlohmann::ordered_json drawnPrediction(const DrawnReport& drawn) {
    nlohmann::ordered_json report = {{"architecture", "tiny"},
                                     {"weights", "predicted"},
                                     {"head", "ridge"},
                                     {"regulariser", 0.1},
                                     {"temperature", 2.5},
                                     {"features", {2, 3}},
                                     {"pooling", "rms"},
                                     {"feature_count", 99},
                                     {"classes", drawn.classes},
                                     {"images", drawn.classes * drawn.each},
                                     {"sample", 40},
                                     {"expected_accuracy", 0.5},
                                     {"expected_log_loss", 1.2},
                                     {"rejected", 0.01},
                                     {"device", "CPU"}};
    report["leave_one_out_on_sample"] = {{"predicted", 0.75}, {"base", 0.7}};
    report["milliseconds"] = {{"sketch", 1.5}, {"head", 4.5}, {"total", 6.0}};
    report["leave_one_out"] = drawnCounts(drawn, false);
    report["suspects"] = drawnRows(drawn, 500);
    report["dropped"] = drawnRows(drawn, 100);
    report["dropped_suspects"] = 100;
    report["expected_accuracy_of_all"] = 0.4;
    report["conflicts"] = std::vector<std::vector<std::string>>(200, {drawn.file, drawn.file});
    report["duplicates"] = std::vector<std::vector<std::string>>(100, std::vector<std::string>(50, drawn.file));
    report["copies"] = 4900;
    addDrawnClasses(report, drawn);
    return report;
}

inline nlohmann::ordered_json drawnEvaluation(const DrawnReport& drawn) {
    nlohmann::ordered_json report = {
        {"top5", 0.9}, {"refused", 0.02}, {"foreign_images", 30}, {"foreign_refused", 0.6}};
    report["judged"] = drawnCounts(drawn, true);
    report["mistakes"] = drawnRows(drawn, 500);
    report["strangers"] = drawnRows(drawn, 12);
    for (nlohmann::ordered_json& row : report["strangers"]) row.erase("label");
    report["strangers_accepted"] = 12;
    report["network"] = {{"architecture", "tiny"}, {"expected_accuracy", 0.6}};
    addDrawnClasses(report, drawn);
    return report;
}

}  // namespace hyperpred
}  // namespace cv

#endif
