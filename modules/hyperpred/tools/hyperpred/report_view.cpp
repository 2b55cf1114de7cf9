// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "report_view.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

// Pictures take 5.4 KB at most (Thumbnails::kMostBytes as text): 200 of the classes, 96 of the pairs, 60 suspects, 24
// each of dropped ones, strangers and conflicts, 12 duplicates are 2.4 MB.
const size_t kMostClasses = 100, kFewClasses = 40, kExamplesOfFew = 4, kExamplesOfMany = 2;
const size_t kMostMatrix = 12, kCutMatrix = 10;  // classes of a whole matrix (a phone holds no more), and of a part
const size_t kLonelyPairs = 2;  // pairs of a single confused image are only shown when there are fewer others
const size_t kMostPairs = 8, kPairExamples = 3, kPairMistakes = 3;
const size_t kMostWrong = 60, kMostDropped = 24, kMostStrangers = 24, kMostConflicts = 12, kMostDuplicates = 12;

const Json& judgedOf(const Json& report) {
    return report.contains("judged") ? report["judged"] : report["leave_one_out"];
}

// Whether all that a page shows of a network's report is there, each in its form.
bool isWhole(const Json& network) {
    const auto text = [&](const char* key) { return network.contains(key) && network[key].is_string(); };
    const auto number = [&](const char* key) { return network.contains(key) && network[key].is_number(); };
    if (!network.is_object()) return false;
    if (network.contains("architecture") && !text("architecture")) return false;
    if (network.contains("expected_accuracy") && !number("expected_accuracy")) return false;
    if (network.contains("dropped_suspects") && !(number("dropped_suspects") && number("expected_accuracy_of_all"))) {
        return false;
    }
    if (!network.contains("head")) return true;
    for (const char* key : {"head", "weights", "pooling"}) {
        if (!text(key)) return false;
    }
    for (const char* key : {"regulariser", "temperature", "feature_count", "sample", "expected_log_loss"}) {
        if (!number(key)) return false;
    }
    if (!network.contains("features") || !network["features"].is_array()) return false;
    if (!network.contains("leave_one_out_on_sample")) return true;
    const Json& candidates = network["leave_one_out_on_sample"];
    return candidates.is_object() && candidates.size() == 2 && candidates.contains("predicted") &&
           candidates.contains("base") && candidates["predicted"].is_number() && candidates["base"].is_number() &&
           candidates.contains(network["weights"].get<std::string>());
}

const Json& networkOf(const Json& report) {
    static const Json nothing = Json::object();
    if (!report.contains("judged")) return report;
    return report.contains("network") && isWhole(report["network"]) ? report["network"] : nothing;
}

ShownImage readImageRow(const Json& row) {
    ShownImage image;
    image.file = row["file"];
    image.label = row.value("label", "");
    image.looksLike = row["looks_like"];
    image.margin = row.value("margin", 0.0);
    return image;
}

std::vector<ShownImage> readImages(const Json& report, const char* key, size_t most) {
    std::vector<ShownImage> images;
    if (!report.contains(key)) return images;
    for (const Json& row : report[key]) {
        if (images.size() == most) break;
        images.push_back(readImageRow(row));
    }
    return images;
}

std::vector<ShownGroup> readGroups(const Json& report, const char* key, size_t most) {
    std::vector<ShownGroup> groups;
    if (!report.contains(key)) return groups;
    for (const Json& row : report[key]) {
        if (groups.size() == most) break;
        ShownGroup group;
        group.files = row.get<std::vector<std::string>>();
        groups.push_back(group);
    }
    return groups;
}

// The first of `order` by the given measure, greatest first, ties in their order.
template <typename Measure>
std::vector<size_t> greatest(size_t count, size_t most, const Measure& measure) {
    std::vector<size_t> order(count);
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return measure(a) > measure(b); });
    order.resize(std::min(order.size(), most));
    return order;
}

std::vector<std::string> firstOf(const std::vector<std::string>& files, size_t most) {
    return std::vector<std::string>(files.begin(), files.begin() + std::ptrdiff_t(std::min(files.size(), most)));
}

}  // namespace

ReportView::ReportView(const Json& source)
    : report(source), judged(judgedOf(source)), network(networkOf(source)), measured(source.contains("judged")) {
    readClasses();
    readLists();
    choosePairs();
}

int ReportView::taken(size_t label, size_t answer) const {
    if (label == answer) return classes[label].right;
    for (const ConfusedPair& pair : confused) {
        if (size_t(pair.label) == label && size_t(pair.answer) == answer) return pair.images;
    }
    return 0;
}

void ReportView::readClasses() {
    for (size_t c = 0; c < report["class_names"].size(); ++c) {
        ShownClass shown;
        shown.name = report["class_names"][c];
        shown.images = judged["class_images"][c];
        shown.right = judged["class_right"][c];
        classes.push_back(shown);
    }
    std::vector<int> mistakes(classes.size(), 0);  // of the class, or for it
    for (const Json& cell : judged["confusion"]) {
        ConfusedPair pair;
        pair.label = cell[0];
        pair.answer = cell[1];
        pair.images = cell[2];
        confused.push_back(pair);
        mistakes[size_t(pair.label)] += pair.images;
        mistakes[size_t(pair.answer)] += pair.images;
        ShownClass& label = classes[size_t(pair.label)];
        if (label.taken == 0) {
            label.taken = pair.images;
            label.takenFor = classes[size_t(pair.answer)].name;
        }
    }
    std::vector<size_t> present;  // an evaluation may lack images of some classes
    for (size_t c = 0; c < classes.size(); ++c) {
        if (classes[c].images > 0) present.push_back(c);
    }
    shownClasses = present;
    matrixClasses = present;
    const auto pick = [&](std::vector<size_t>& list, size_t most, const auto& measure) {
        const std::vector<size_t> order = greatest(present.size(), most, [&](size_t i) { return measure(present[i]); });
        list.clear();
        for (const size_t i : order) list.push_back(present[i]);
    };
    classesRanked = present.size() > kFewClasses;
    matrixCut = present.size() > kMostMatrix;
    if (classesRanked) {
        pick(shownClasses, kMostClasses, [&](size_t c) { return -classes[c].accuracy(); });
    }
    if (matrixCut) pick(matrixClasses, kCutMatrix, [&](size_t c) { return mistakes[c]; });
    const size_t each = classesRanked ? kExamplesOfMany : kExamplesOfFew;
    for (const size_t c : shownClasses) {
        classes[c].examples = firstOf(report["examples"][c].get<std::vector<std::string>>(), each);
    }
}

void ReportView::readLists() {
    const char* wrongKey = measured ? "mistakes" : "suspects";
    wrong = readImages(report, wrongKey, kMostWrong);
    wrongCount = measured ? size_t(judged["images"].get<int>() - judged["right"].get<int>()) : report[wrongKey].size();
    dropped = readImages(report, "dropped", kMostDropped);
    strangers = readImages(report, "strangers", kMostStrangers);
    conflicts = readGroups(report, "conflicts", kMostConflicts);
    duplicates = readGroups(report, "duplicates", kMostDuplicates);
    conflictCount = report.contains("conflicts") ? report["conflicts"].size() : 0;
    duplicateCount = report.value("copies", size_t(0));
}

// Both directions of a confusion are one pair.
void ReportView::choosePairs() {
    std::map<std::pair<int, int>, int> together;
    for (const ConfusedPair& pair : confused) together[std::minmax(pair.label, pair.answer)] += pair.images;
    std::vector<std::pair<std::pair<int, int>, int>> list(together.begin(), together.end());
    const std::vector<size_t> order = greatest(list.size(), kMostPairs, [&](size_t i) { return list[i].second; });
    for (const size_t i : order) {
        if (list[i].second == 1 && pairs.size() >= kLonelyPairs) break;
        ShownPair pair;
        pair.first = size_t(list[i].first.first);
        pair.second = size_t(list[i].first.second);
        pair.firstAsSecond = taken(pair.first, pair.second);
        pair.secondAsFirst = taken(pair.second, pair.first);
        const auto files = [&](size_t c) {
            return firstOf(report["examples"][c].get<std::vector<std::string>>(), kPairExamples);
        };
        pair.firstFiles = files(pair.first);
        pair.secondFiles = files(pair.second);
        for (const Json& row : report[measured ? "mistakes" : "suspects"]) {
            const std::string label = row["label"], answer = row["looks_like"];
            const std::string &first = classes[pair.first].name, &second = classes[pair.second].name;
            if (label == first && answer == second && pair.firstWrong.size() < kPairMistakes) {
                pair.firstWrong.push_back(readImageRow(row));
            }
            if (label == second && answer == first && pair.secondWrong.size() < kPairMistakes) {
                pair.secondWrong.push_back(readImageRow(row));
            }
        }
        pairs.push_back(pair);
    }
}

std::vector<std::string> ReportView::pictures() const {
    std::vector<std::string> files;
    const auto add = [&](const std::vector<std::string>& more) { files.insert(files.end(), more.begin(), more.end()); };
    const auto addImages = [&](const std::vector<ShownImage>& images) {
        for (const ShownImage& image : images) files.push_back(image.file);
    };
    for (const size_t c : shownClasses) add(classes[c].examples);
    for (const ShownPair& pair : pairs) {
        add(pair.firstFiles);
        add(pair.secondFiles);
        addImages(pair.firstWrong);
        addImages(pair.secondWrong);
    }
    addImages(wrong);
    addImages(dropped);
    addImages(strangers);
    for (const ShownGroup& group : conflicts) add(firstOf(group.files, 2));
    for (const ShownGroup& group : duplicates) add(firstOf(group.files, 1));
    return files;
}

}  // namespace hyperpred
}  // namespace cv
