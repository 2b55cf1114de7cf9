// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "accuracy_rows.hpp"

#include <cmath>
#include <filesystem>
#include <iostream>

#include "error.hpp"
#include "shift.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const HeadKind kHeads[] = {HeadKind::Ridge, HeadKind::Lda, HeadKind::Cosine};
const int kSeenImages = 20;  // images a class that stand for the training images of a fixed network
const uint64_t kSupportNoise = 1, kTestNoise = uint64_t(1) << 32;
const std::vector<float> kBaseCodes;

// A wrong sketch is that of the same images under another transform: of those so many places further on.
const size_t kWrongSteps[] = {2, 5};

Json meanOf(const std::vector<double>& values) {
    double sum = 0, squares = 0;
    for (const double value : values) sum += value;
    const double mean = sum / double(values.size());
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double deviation = values.size() > 1 ? std::sqrt(squares / double(values.size() - 1)) : 0;
    return {{"mean", mean}, {"deviation", deviation}, {"draws", values.size()}};
}

int leastPerClass(const LabelledImages& images) {
    std::vector<int> counts(images.classNames.size(), 0);
    for (const int label : images.labels) ++counts[size_t(label)];
    return *std::min_element(counts.begin(), counts.end());
}

std::map<std::string, std::string> imageFolders(const Protocol& protocol, const std::string& data) {
    return {{"train.pack", data + "/" + protocol.train}, {"test.pack", data + "/" + protocol.test}};
}

}  // namespace

AccuracyRows::AccuracyRows(const Protocol& protocol, const ArchitecturePlan& plan, const std::string& data,
                           const std::string& work, const std::string& trainer, int threads)
    : protocol_(protocol),
      plan_(plan),
      architecture_(loadArchitecture(plan.architecture)),
      data_(data),
      runs_(trainer, work + "/" + protocol.name + "/" + architecture_.name, plan, architecture_.size,
            imageFolders(protocol, data)),
      threads_(threads) {}

Judge& AccuracyRows::judge(const std::string& model) {
    std::unique_ptr<Judge>& judge = judges_[model];
    if (!judge) {
        const bool file = std::filesystem::path(model).extension() == ".safetensors";
        judge = std::make_unique<Judge>(file ? model : runs_.model(model), threads_);
        if (judge->architecture().size != architecture_.size) {
            fail(Failure::BadFile, "model \"" + model + "\" is of architecture \"" + judge->architecture().name +
                                       "\", the protocol's is \"" + architecture_.name + "\"");
        }
        device_ = judge->device();
    }
    return *judge;
}

const LabelledImages& AccuracyRows::support() {
    if (support_.count() == 0) {
        support_ = readLabelledImages(data_ + "/" + protocol_.train, protocol_.unseen, architecture_.size);
    }
    return support_;
}

const LabelledImages& AccuracyRows::test() {
    if (test_.count() == 0) {
        test_ =
            readLabelledImages(data_ + "/" + protocol_.test, protocol_.unseen, architecture_.size, protocol_.mostTest);
        if (test_.classNames != support().classNames) {
            fail(Failure::BadFile, "\"" + protocol_.test + "\" has other classes than \"" + protocol_.train + "\"");
        }
    }
    return test_;
}

// Of the classes that were trained on: a fixed network keeps the batch-norm statistics of such images.
const LabelledImages& AccuracyRows::seen() {
    if (seen_.count() == 0) {
        ClassChoice choice = protocol_.unseen;
        choice.others = true;
        seen_ = readLabelledImages(data_ + "/" + protocol_.train, choice, architecture_.size, kSeenImages);
    }
    return seen_;
}

Json AccuracyRows::networkRow(const std::string& network, Judge& judge, Judge::Question question) {
    question.support = &support();
    question.test = &test();
    const Verdict verdict = judge.judge(question);
    const std::string head = std::string(headName(question.head)) + ", " +
                             (question.features.stages.size() > 1 ? "three stages" : "last stage");
    std::cerr << network << ", " << head << ": " << verdict.accuracy << " in " << verdict.seconds << " s" << std::endl;
    return {{"network", network},
            {"head", head},
            {"top1", verdict.accuracy},
            {"expected", verdict.expected},
            {"seconds", verdict.seconds},
            {"images", support().count()},
            {"where", judge.device().substr(0, 4) == "CUDA" ? "GPU" : "CPU"}};
}

void AccuracyRows::scratchRows(Json& rows) {
    for (const ScratchRival& rival : plan_.scratch) {
        const std::vector<LogRow> log = runs_.log(rival.run);
        const Json config = Json::parse(runs_.configuration(rival.run));
        const std::string name =
            config["data"][0]["name"].get<std::string>() + " test" + (rival.averaged ? " averaged" : " raw");
        for (const double epochs : rival.epochs) {
            const LogRow* nearest = nullptr;
            for (const LogRow& row : log) {
                const bool closer = nearest == nullptr ||
                                    std::fabs(row.at("epoch") - epochs) < std::fabs(nearest->at("epoch") - epochs);
                if (row.count(name) > 0 && closer) nearest = &row;
            }
            if (nearest == nullptr)
                fail(Failure::BadFile, "the log of run \"" + rival.run + "\" has no \"" + name + "\"");
            char text[80];
            std::snprintf(text, sizeof text, "%s, %g epoch%s", rival.title.c_str(), epochs, epochs == 1 ? "" : "s");
            rows.push_back({{"network", text},
                            {"head", "trained"},
                            {"top1", nearest->at(name)},
                            {"seconds", 60 * nearest->at("minutes")},
                            {"images", int64_t(nearest->at("images"))},
                            {"where", config["run"].value("device", "cpu") == "cuda" ? "GPU" : "CPU"}});
        }
    }
}

Json AccuracyRows::plain() {
    Json rows = Json::array();
    Judge::Question question;
    if (!plan_.predicted.empty()) {
        Judge& own = judge(plan_.predicted);
        question.features = own.defaultFeatures();
        for (const HeadKind head : kHeads) {
            question.head = head;
            if (own.trained()) rows.push_back(networkRow("predicted, residual", own, question));
        }
        question.head = HeadKind::Ridge;
        if (own.trained() && plan_.fixed.empty() && !own.pure()) {
            question.codes = &kBaseCodes;
            rows.push_back(networkRow("its base weights", own, question));
        }
        if (own.trained()) {
            const std::vector<float> wrong = own.codesFor(shifted(support(), "inverted", kSupportNoise));
            question.codes = &wrong;
            rows.push_back(networkRow("predicted, wrong sketch (inverted images)", own, question));
        }
        question.codes = nullptr;
    }
    if (!plan_.pure.empty()) {
        Judge& own = judge(plan_.pure);
        question.head = HeadKind::Cosine;
        question.features = own.lastStage();
        rows.push_back(networkRow("predicted, pure (the paper's method)", own, question));
        question.head = HeadKind::Ridge;
        question.features = own.defaultFeatures();
        rows.push_back(networkRow("predicted, pure", own, question));
    }
    if (!plan_.fixed.empty()) {
        Judge& own = judge(plan_.fixed);
        question.features = own.defaultFeatures();
        question.codes = &kBaseCodes;
        for (const HeadKind head : kHeads) {
            question.head = head;
            rows.push_back(networkRow("fixed backbone", own, question));
        }
    }
    if (!plan_.ordinary.empty()) {
        Judge& own = judge(plan_.ordinary);
        question.features = own.defaultFeatures();
        question.codes = &kBaseCodes;
        question.head = HeadKind::Ridge;
        rows.push_back(networkRow("fixed backbone, no data-set transforms", own, question));
    }
    scratchRows(rows);
    return rows;
}

Json AccuracyRows::others() {
    Json rows = Json::array();
    for (const OtherModel& other : plan_.others) {
        Judge& own = judge(other.model);
        Judge::Question question;
        question.features = own.defaultFeatures();
        question.codes = own.trained() ? nullptr : &kBaseCodes;
        rows.push_back(networkRow(other.title, own, question));
    }
    return rows;
}

Json AccuracyRows::published() const {
    Json rows = Json::array();
    for (const PublishedRow& row : plan_.published) {
        rows.push_back({{"network", row.title}, {"head", row.head}, {"top1", row.top1}, {"seconds", row.seconds}});
        if (row.images > 0) rows.back()["images"] = row.images;
        rows.back()["where"] = row.where;
    }
    return rows;
}

// Everything can be drawn once only.
int AccuracyRows::drawsOf(int each) {
    return each >= leastPerClass(support()) ? 1 : protocol_.draws;
}

Json AccuracyRows::draws() {
    struct Contender {
        std::string network;
        Judge* judge;
        const std::vector<float>* codes;
        HeadKind head;
        FeatureChoice features;
    };
    std::vector<Contender> contenders;
    for (const HeadKind head : {HeadKind::Ridge, HeadKind::Cosine}) {
        if (!plan_.predicted.empty()) {
            Judge& own = judge(plan_.predicted);
            contenders.push_back(
                {"predicted, residual", &own, own.trained() ? nullptr : &kBaseCodes, head, own.defaultFeatures()});
        }
        if (!plan_.fixed.empty()) {
            Judge& own = judge(plan_.fixed);
            contenders.push_back({"fixed backbone", &own, &kBaseCodes, head, own.defaultFeatures()});
        }
    }
    if (!plan_.pure.empty()) {
        Judge& own = judge(plan_.pure);
        contenders.push_back({"predicted, pure", &own, nullptr, HeadKind::Cosine, own.lastStage()});
    }
    Json rows = Json::array();
    for (const Contender& contender : contenders) {
        rows.push_back({{"network", contender.network}, {"head", headName(contender.head)}, {"cells", Json::array()}});
    }
    for (const int each : protocol_.imagesPerClass) {
        const int draws = drawsOf(each);
        std::vector<std::vector<double>> accuracies(contenders.size());
        for (int draw = 0; draw < draws; ++draw) {
            const LabelledImages some = drawImages(support(), each, uint64_t(draw));
            for (size_t i = 0; i < contenders.size(); ++i) {
                Judge::Question question;
                question.support = &some;
                question.test = &test();
                question.features = contenders[i].features;
                question.head = contenders[i].head;
                question.codes = contenders[i].codes;
                accuracies[i].push_back(contenders[i].judge->judge(question).accuracy);
            }
        }
        for (size_t i = 0; i < contenders.size(); ++i) rows[i]["cells"].push_back(meanOf(accuracies[i]));
        std::cerr << each << " images a class: " << draws << " draw(s) done" << std::endl;
    }
    return {{"images_per_class", protocol_.imagesPerClass}, {"rows", rows}};
}

// One row for each transform: top-1 of each column, for one choice of support images.
std::vector<std::vector<double>> AccuracyRows::shiftValues(const LabelledImages& all, const NetworkWeights& kept) {
    Judge& own = judge(plan_.predicted);
    Judge& fixed = judge(plan_.fixed.empty() ? plan_.predicted : plan_.fixed);
    const std::vector<std::string> names = shiftNames();
    std::vector<std::vector<float>> codes;
    for (const std::string& name : names) codes.push_back(own.codesFor(shifted(all, name, kSupportNoise)));
    std::vector<std::vector<double>> rows;
    for (size_t s = 0; s < names.size(); ++s) {
        const LabelledImages support = shifted(all, names[s], kSupportNoise);
        const LabelledImages test = shifted(this->test(), names[s], kTestNoise);
        Judge::Question question;
        question.support = &support;
        question.test = &test;
        question.features = own.defaultFeatures();
        const auto with = [&](Judge& judge, const std::vector<float>* chosen, const NetworkWeights* network) {
            question.codes = chosen;
            question.network = network;
            return judge.judge(question);
        };
        const Verdict right = with(own, &codes[s], nullptr), base = with(own, &kBaseCodes, nullptr);
        double wrong = 0;
        for (const size_t step : kWrongSteps) {
            wrong += with(own, &codes[(s + step) % names.size()], nullptr).accuracy / double(std::size(kWrongSteps));
        }
        const double recalibrated = &fixed == &own ? base.accuracy : with(fixed, &kBaseCodes, nullptr).accuracy;
        const double delivered = right.expected >= base.expected ? right.accuracy : base.accuracy;
        rows.push_back({right.accuracy, wrong, recalibrated, with(fixed, nullptr, &kept).accuracy, delivered});
        if (!plan_.ordinary.empty()) {
            rows.back().push_back(with(judge(plan_.ordinary), &kBaseCodes, nullptr).accuracy);
        }
        std::cerr << names[s] << ": " << Json(rows.back()).dump() << std::endl;
    }
    return rows;
}

Json AccuracyRows::shifts() {
    Judge& fixed = judge(plan_.fixed.empty() ? plan_.predicted : plan_.fixed);
    const NetworkWeights kept = fixed.calibratedOn(kBaseCodes, seen());
    const std::vector<std::string> names = shiftNames();
    Json tables = Json::array();
    for (const int each : protocol_.shiftImages) {
        const int draws = drawsOf(each);
        Json columns = {"predicted", "wrong sketch", "fixed, recalibrated", "fixed",
                        "delivered (leave-one-out's choice)"};
        if (!plan_.ordinary.empty()) columns.push_back("fixed, no data-set transforms, recalibrated");
        std::vector<std::vector<double>> sums(names.size() + 1, std::vector<double>(columns.size(), 0));
        for (int draw = 0; draw < draws; ++draw) {
            const auto values = shiftValues(drawImages(support(), each, uint64_t(draw)), kept);
            for (size_t s = 0; s < names.size(); ++s) {
                for (size_t c = 0; c < columns.size(); ++c) {
                    sums[s][c] += values[s][c] / draws;
                    sums[names.size()][c] += values[s][c] / draws / double(names.size());
                }
            }
        }
        Json rows = Json::array();
        for (size_t s = 0; s <= names.size(); ++s) {
            rows.push_back({{"shift", s < names.size() ? names[s] : "mean"}, {"top1", sums[s]}});
        }
        tables.push_back({{"images_per_class", each}, {"draws", draws}, {"columns", columns}, {"rows", rows}});
    }
    return tables;
}

}  // namespace hyperpred
}  // namespace cv
