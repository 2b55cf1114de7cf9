// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_REPORT_VIEW_HPP
#define HYPERPRED_TOOL_REPORT_VIEW_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "confusion.hpp"

namespace cv {
namespace hyperpred {

// A picture of a list: where it is, what it should be and what it was taken for.
struct ShownImage {
    std::string file, label, looksLike;
    double margin = 0;  // how sure: probability of the answer less that of the label, 0..1
};

struct ShownClass {
    std::string name;
    int images = 0, right = 0;
    std::string takenFor;  // most often; empty when all were right
    int taken = 0;
    std::vector<std::string> examples;  // files
    double accuracy() const { return images > 0 ? double(right) / double(images) : 0.0; }
};

// Two classes that are taken for each other.
struct ShownPair {
    size_t first = 0, second = 0;                      // classes
    int firstAsSecond = 0, secondAsFirst = 0;          // images
    std::vector<ShownImage> firstWrong, secondWrong;   // some of them
    std::vector<std::string> firstFiles, secondFiles;  // examples
};

// Images with the same pixels.
struct ShownGroup {
    std::vector<std::string> files;
};

// What a report page shows: the JSON of `predict` or `evaluate`, cut to what a page can hold. The lists are bounded, so
// that no page exceeds 3 MB whatever the number of classes and images; the counts beside them are whole.
struct ReportView {
    explicit ReportView(const nlohmann::ordered_json& report);

    const nlohmann::ordered_json& report;
    const nlohmann::ordered_json& judged;  // of doc/file_formats.md, "Judgement"
    // What the prediction is known of. In an evaluation the network's own report, which may be anything: an empty
    // object where it is not of the form of doc/file_formats.md.
    const nlohmann::ordered_json& network;
    bool measured;                         // by `evaluate`, on images that the network has not seen
    std::vector<ShownClass> classes;       // all, by label
    std::vector<size_t> shownClasses;      // with examples: all by label, or those of the lowest accuracy
    bool classesRanked = false;            // the lowest accuracy first
    std::vector<size_t> matrixClasses;     // of the confusion matrix: all by label, or those with the most mistakes
    bool matrixCut = false;                // there are more classes with images
    std::vector<ConfusedPair> confused;    // the most frequent first
    std::vector<ShownPair> pairs;
    std::vector<ShownImage> wrong;      // suspects of a prediction, mistakes of an evaluation
    std::vector<ShownImage> dropped;    // suspects that stayed out
    std::vector<ShownImage> strangers;  // that were taken for a class
    std::vector<ShownGroup> conflicts, duplicates;
    size_t wrongCount = 0, conflictCount = 0, duplicateCount = 0;

    int taken(size_t label, size_t answer) const;  // images of `label` that were answered as `answer`
    std::vector<std::string> pictures() const;     // files of all pictures on the page

private:
    void readClasses();
    void readLists();
    void choosePairs();
};

}  // namespace hyperpred
}  // namespace cv

#endif
