// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE report_view
#include <boost/test/unit_test.hpp>

#include "report_draws.hpp"
#include "report_view.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(small_sets_are_shown_whole) {
    DrawnReport drawn;
    drawn.each = 7;
    const nlohmann::ordered_json report = drawnPrediction(drawn);
    const ReportView view(report);
    BOOST_TEST(!view.measured);
    BOOST_TEST((view.shownClasses == std::vector<size_t>{0, 1, 2}));
    BOOST_TEST((view.matrixClasses == view.shownClasses));
    BOOST_TEST(!view.classesRanked);
    BOOST_TEST(!view.matrixCut);
    BOOST_TEST(view.classes[0].images == 7);
    BOOST_TEST(view.classes[0].right == 3);  // images 0, 2, 4, 6 of 7 are wrong
    BOOST_TEST(view.classes[0].takenFor == "class 1");
    BOOST_TEST(view.classes[0].taken == 4);
    BOOST_TEST(view.classes[0].examples.size() == 4u);
    BOOST_TEST(view.taken(0, 1) == 4);
    BOOST_TEST(view.taken(0, 0) == 3);
    BOOST_TEST(view.taken(1, 0) == 0);
    BOOST_TEST(view.wrongCount == 500u);
    BOOST_TEST(view.conflictCount == 200u);
    BOOST_TEST(view.duplicateCount == 4900u);
}

BOOST_AUTO_TEST_CASE(both_directions_are_one_pair) {
    DrawnReport drawn;
    drawn.classes = 2;
    drawn.each = 5;
    const nlohmann::ordered_json report = drawnPrediction(drawn);
    const ReportView view(report);
    BOOST_REQUIRE(view.pairs.size() == 1u);
    BOOST_TEST(view.pairs[0].firstAsSecond == 3);  // images 0, 2, 4
    BOOST_TEST(view.pairs[0].secondAsFirst == 2);  // images 6, 8
    BOOST_TEST(view.pairs[0].firstWrong.size() == 3u);
    BOOST_TEST(view.pairs[0].firstWrong[0].label == "class 0");
    BOOST_TEST(view.pairs[0].secondWrong[0].label == "class 1");
    BOOST_TEST(view.pairs[0].firstWrong[0].margin > view.pairs[0].firstWrong[1].margin);
}

// Class 500 is never right, 501 is taken for it as well: these two are the worst, in the order of their mistakes.
BOOST_AUTO_TEST_CASE(of_a_thousand_classes_the_worst_are_shown) {
    DrawnReport drawn;
    drawn.classes = 1000;
    drawn.each = 4;
    drawn.wrongEvery = 100000;  // only the very first
    nlohmann::ordered_json report = drawnPrediction(drawn);
    report["leave_one_out"]["confusion"] = {{500, 501, 4}, {501, 500, 3}, {7, 8, 1}, {0, 1, 1}};
    report["leave_one_out"]["class_right"][500] = 0;
    report["leave_one_out"]["class_right"][501] = 1;
    report["leave_one_out"]["class_right"][7] = 3;
    const ReportView view(report);
    BOOST_TEST(view.classesRanked);
    BOOST_TEST(view.matrixCut);
    BOOST_TEST(view.shownClasses.size() == 100u);
    BOOST_TEST(view.shownClasses[0] == 500u);
    BOOST_TEST(view.shownClasses[1] == 501u);
    BOOST_TEST(view.shownClasses[2] == 0u);
    BOOST_TEST(view.shownClasses[3] == 7u);
    BOOST_TEST(view.matrixClasses.size() == 10u);
    BOOST_TEST(view.matrixClasses[0] == 500u);
    BOOST_TEST(view.matrixClasses[1] == 501u);
    BOOST_TEST(view.pairs[0].firstAsSecond == 4);
    BOOST_TEST(view.classes[500].examples.size() == 2u);
    BOOST_TEST(view.classes[999].examples.empty());
    BOOST_TEST(view.pictures().size() < 450u);
}

BOOST_AUTO_TEST_CASE(evaluations_leave_out_classes_without_images) {
    DrawnReport drawn;
    drawn.classes = 13;
    nlohmann::ordered_json report = drawnEvaluation(drawn);
    BOOST_TEST(ReportView(report).matrixCut);
    report["judged"]["class_images"][1] = 0;
    BOOST_TEST(!ReportView(report).matrixCut);  // twelve are left, all of them shown
    BOOST_TEST(ReportView(report).matrixClasses.size() == 12u);
    BOOST_TEST(ReportView(report).matrixClasses[1] == 2u);
}

BOOST_AUTO_TEST_CASE(mistakes_are_counted_and_strangers_have_no_label) {
    DrawnReport drawn;
    const nlohmann::ordered_json report = drawnEvaluation(drawn);
    const ReportView view(report);
    BOOST_TEST(view.measured);
    BOOST_TEST(view.wrongCount == 8u);  // of 15 images, counted and not the length of the list
    BOOST_TEST(view.strangers.size() == 12u);
    BOOST_TEST(view.strangers[0].label.empty());
}

// A network brings its report along, and whoever made the file chose what stands there.
BOOST_AUTO_TEST_CASE(a_networks_report_is_shown_whole_or_not_at_all) {
    DrawnReport drawn;
    nlohmann::ordered_json report = drawnEvaluation(drawn);
    const nlohmann::ordered_json whole = drawnPrediction(drawn);
    report["network"] = whole;
    BOOST_TEST(ReportView(report).network.size() == whole.size());
    for (const char* key : {"weights", "regulariser", "temperature", "features", "pooling", "feature_count", "sample",
                            "expected_log_loss", "expected_accuracy_of_all"}) {
        report["network"] = whole;
        report["network"].erase(key);
        BOOST_TEST(ReportView(report).network.empty(), key);
        report["network"][key] = nullptr;
        BOOST_TEST(ReportView(report).network.empty(), key);
    }
    for (const char* key : {"architecture", "expected_accuracy", "head", "leave_one_out_on_sample"}) {
        report["network"] = whole;
        report["network"][key] = nlohmann::ordered_json::array({7});
        BOOST_TEST(ReportView(report).network.empty(), key);
    }
    report["network"] = whole;
    report["network"]["weights"] = "others";  // of which leave-one-out says nothing
    BOOST_TEST(ReportView(report).network.empty());
    for (const nlohmann::ordered_json& other : {nlohmann::ordered_json(5), nlohmann::ordered_json()}) {
        report["network"] = other;
        BOOST_TEST(ReportView(report).network.empty());
    }
    BOOST_TEST(&ReportView(whole).network == &whole);
}
