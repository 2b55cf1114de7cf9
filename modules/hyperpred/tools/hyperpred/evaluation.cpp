// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "evaluation.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const size_t kExamples = 6;  // files of a class
const size_t kMostMistakes = 1000, kMostStrangers = 200;
const size_t kMostDense = 1000;  // classes of a confusion matrix that is written whole

double share(int part, int whole) {
    return whole > 0 ? double(part) / double(whole) : 0.0;
}

// Number of classes with a higher probability; ties count for the image.
int rankOf(int label, const std::vector<float>& probabilities) {
    const float own = probabilities[size_t(label)];
    return int(std::count_if(probabilities.begin(), probabilities.end(), [own](float p) { return p > own; }));
}

bool ranksHigher(const RankedImages::Row& a, const RankedImages::Row& b) {
    return std::tie(b.rank, a.file) < std::tie(a.rank, b.file);
}

}  // namespace

void RankedImages::add(Row row) {
    ++count_;
    rows_.push_back(std::move(row));
    if (rows_.size() < 2 * most_) return;
    std::nth_element(rows_.begin(), rows_.begin() + std::ptrdiff_t(most_), rows_.end(), ranksHigher);
    rows_.resize(most_);
}

size_t RankedImages::count() const {
    return count_;
}

std::vector<RankedImages::Row> RankedImages::rows() const {
    std::vector<Row> sorted = rows_;
    std::sort(sorted.begin(), sorted.end(), ranksHigher);
    sorted.resize(std::min(sorted.size(), most_));
    return sorted;
}

Evaluation::Evaluation(std::vector<std::string> classNames)
    : names_(std::move(classNames)),
      judgement_(int(names_.size())),
      examples_(names_.size()),
      mistakes_(kMostMistakes),
      strangers_(kMostStrangers) {}

void Evaluation::add(int label, const Answer& answer, const std::string& file) {
    RankedImages::Row row;
    row.file = file;
    row.label = label;
    row.answer = answer.label;
    if (label < 0) {
        ++foreign_;
        foreignRefused_ += answer.unknown ? 1 : 0;
        judgement_.addStranger(answer.familiarity);
        row.rank = double(answer.familiarity);
        if (!answer.unknown) strangers_.add(std::move(row));
        return;
    }
    rightInFive_ += rankOf(label, answer.probabilities) < 5 ? 1 : 0;
    refused_ += answer.unknown ? 1 : 0;
    const double confidence = double(answer.probabilities[size_t(answer.label)]);
    judgement_.add(label, answer.label, confidence, answer.familiarity);
    std::vector<std::string>& examples = examples_[size_t(label)];
    if (examples.size() < kExamples) examples.push_back(file);
    row.rank = confidence - double(answer.probabilities[size_t(label)]);
    if (answer.label != label) mistakes_.add(std::move(row));
}

int Evaluation::images() const {
    return judgement_.images();
}

double Evaluation::top1() const {
    return judgement_.accuracy();
}

Json Evaluation::perClass() const {
    const Confusion& confusion = judgement_.confusion();
    std::vector<int> confusedWith(names_.size(), -1);
    for (const ConfusedPair& pair : confusion.mistakes()) {  // the most frequent first
        if (confusedWith[size_t(pair.label)] < 0) confusedWith[size_t(pair.label)] = pair.answer;
    }
    Json rows = Json::array();
    for (size_t c = 0; c < names_.size(); ++c) {
        const int images = confusion.images()[c];
        if (images == 0) continue;
        Json row = {{"name", names_[c]},
                    {"images", images},
                    {"accuracy", share(confusion.right()[c], images)},
                    {"confused_with", nullptr}};
        if (confusedWith[c] >= 0) row["confused_with"] = names_[size_t(confusedWith[c])];
        rows.push_back(row);
    }
    return rows;
}

Json Evaluation::json() const {
    Json result;
    result["images"] = images();
    result["top1"] = top1();
    result["top5"] = share(rightInFive_, images());
    result["calibration_error"] = judgement_.calibrationError();
    result["refused"] = share(refused_, images());
    result["foreign_images"] = foreign_;
    result["foreign_refused"] = share(foreignRefused_, foreign_);
    result["per_class"] = perClass();
    result["class_names"] = names_;
    if (names_.size() <= kMostDense) {
        Json& rows = result["confusion"] = Json::array();
        for (int label = 0; label < int(names_.size()); ++label) {
            std::vector<int> row;
            for (int c = 0; c < int(names_.size()); ++c) row.push_back(judgement_.confusion().at(label, c));
            rows.push_back(row);
        }
    }
    result["judged"] = Json::parse(judgement_.json());
    result["examples"] = examples_;
    result["mistakes"] = Json::array();
    for (const RankedImages::Row& row : mistakes_.rows()) {
        result["mistakes"].push_back({{"file", row.file},
                                      {"label", names_[size_t(row.label)]},
                                      {"looks_like", names_[size_t(row.answer)]},
                                      {"margin", row.rank}});
    }
    result["strangers_accepted"] = strangers_.count();
    result["strangers"] = Json::array();
    for (const RankedImages::Row& row : strangers_.rows()) {
        result["strangers"].push_back(
            {{"file", row.file}, {"looks_like", names_[size_t(row.answer)]}, {"familiarity", row.rank}});
    }
    return result;
}

}  // namespace hyperpred
}  // namespace cv
