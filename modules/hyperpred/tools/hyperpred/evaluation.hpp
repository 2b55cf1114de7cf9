// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_EVALUATION_HPP
#define HYPERPRED_TOOL_EVALUATION_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "classifier.hpp"
#include "judgement.hpp"

namespace cv {
namespace hyperpred {

// Images that are listed by name, those of the highest rank only, so that a list of a million stays short.
class RankedImages {
public:
    struct Row {
        std::string file;
        int label = 0, answer = 0;  // label -1: of no class of the network
        double rank = 0;
    };

    explicit RankedImages(size_t most) : most_(most) {}
    void add(Row row);
    size_t count() const;  // of all that were added
    // The highest rank first, of equal ones by file.
    std::vector<Row> rows() const;

private:
    size_t most_, count_ = 0;
    std::vector<Row> rows_;
};

// Counts answers against labels: top-1, top-5, refused share and everything of Judgement. A label of -1 is an image of
// a class that the network does not know; it only counts for the refusals of foreign images.
class Evaluation {
public:
    explicit Evaluation(std::vector<std::string> classNames);

    // file: names the image in the lists of examples, mistakes and strangers.
    void add(int label, const Answer& answer, const std::string& file);
    int images() const;
    double top1() const;
    // Keys: doc/file_formats.md, "Evaluation". Names and files keep bytes that are no UTF-8.
    nlohmann::ordered_json json() const;

private:
    nlohmann::ordered_json perClass() const;

    std::vector<std::string> names_;
    Judgement judgement_;
    std::vector<std::vector<std::string>> examples_;  // a class
    RankedImages mistakes_, strangers_;
    int rightInFive_ = 0, refused_ = 0, foreign_ = 0, foreignRefused_ = 0;
};

}  // namespace hyperpred
}  // namespace cv

#endif
