// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "activation_ranges.hpp"
#include "backend.hpp"
#include "checked_options.hpp"
#include "error.hpp"
#include "features.hpp"
#include "head.hpp"
#include "judgement.hpp"
#include "mat_list.hpp"
#include "opencv2/hyperpred.hpp"
#include "prediction.hpp"
#include "support_set.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

const size_t kMostDuplicates = 100;   // groups in the report, and images of a group
const int kQuantisationImages = 256;  // of the sample, for the ranges of an int8 network (doc/experiments.md)
const size_t kFeatureBatch = 256;     // images read from the spool and given to the backend at once,
const size_t kFeatureBatchBytes = size_t(64) << 20;  // but large ones no more than this, or one

// Milliseconds of each stage, in order, for the report.
class Stopwatch {
public:
    void lap(const char* stage) {
        const auto now = std::chrono::steady_clock::now();
        const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
        laps_[stage] = laps_.value(stage, 0.0) + ms;
        total_ += ms;
        last_ = now;
    }
    Json json() const {
        Json laps = laps_;
        laps["total"] = total_;
        return laps;
    }

private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    Json laps_ = Json::object();
    double total_ = 0;
};

// One prediction, stage by stage in the order of the data: sample, sketch, codes, weights, calibration, choice,
// features, head, net.
class Run {
public:
    Run(const HyperNetwork& hyper, Backend& backend, const SupportSet& support, const PredictOptions& options)
        : hyper_(hyper), backend_(backend), support_(support), options_(options) {}

    PredictionContents operator()() {
        prepare();
        if (options_.dropSuspects > 0) leaveSuspectsOut();
        fitHeadAndWeights();
        return buildContents();
    }

private:
    // Weights, calibrated, with the sample's features and the head that judged them. While the candidates are compared,
    // codes and statistics stand for a network: two networks at once would set the peak of memory.
    struct Candidate {
        const char* name = "";
        std::vector<float> codes;  // empty: the base weights
        std::unique_ptr<BackendNetwork> network;
        NetworkWeights statistics;
        std::vector<float> features;  // sample x p
        KeptRows kept;                // the same
        LeaveOneOut judged;           // on the sample, where there is a choice
    };

    void progress(const char* stage, double done) const {
        if (options_.progress && !options_.progress(stage, done)) {
            fail(Failure::Internal, std::string("prediction cancelled in stage \"") + stage + "\"");
        }
    }

    void fitHeadAndWeights() {
        chooseSampleImages();
        predictCandidates();
        chooseCandidate();
        gatherFeatures();
        fitFinalHead();
    }

    // A first run over all images tells which ones this run leaves out.
    void leaveSuspectsOut() {
        Run all(hyper_, backend_, support_, options_);
        all.prepare();
        all.fitHeadAndWeights();
        accuracyOfAll_ = all.fitted_.leaveOneOut.accuracy;
        std::vector<int> left(size_t(classes_), 0);
        for (const SupportEntry& entry : entries_) ++left[size_t(entry.label)];
        std::set<size_t> records;
        for (const Suspect& suspect : all.findSuspects()) {
            if (int(dropped_.size()) == options_.dropSuspects) break;
            if (left[size_t(suspect.label)] == 1) continue;
            --left[size_t(suspect.label)];
            dropped_.push_back(suspect);
            records.insert(size_t(suspect.image));
        }
        entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                      [&](const SupportEntry& entry) { return records.count(entry.record) > 0; }),
                       entries_.end());
        stopwatch_.lap("suspects");
    }

    void prepare() {
        asked_ = checkOptions(options_, hyper_);
        entries_ = support_.canonical();
        classes_ = countClasses(entries_, options_.many);
        names_.assign(options_.classNames.begin(), options_.classNames.end());
        if (names_.empty()) {
            for (int c = 0; c < classes_; ++c) names_.push_back(std::to_string(c));
        } else if (int(names_.size()) != classes_) {
            fail(Failure::BadArgument,
                 std::to_string(names_.size()) + " class names for labels 0.." + std::to_string(classes_ - 1));
        }
        if (!options_.keepSupport) return;
        checkClassNames(readableNames());
        checkSupportSize(int64_t(entries_.size()), featureColumns());
    }

    void chooseSampleImages() {
        progress("sketch", 0);
        sample_ = chooseSample(entries_, classes_, size_t(options_.sampleSize));
        samplePixels_.resize(sample_.size() * support_.imageBytes());
        for (size_t i = 0; i < sample_.size(); ++i) {
            const SupportEntry& entry = entries_[sample_[i]];
            support_.readPixels(entry.record, samplePixels_.data() + i * support_.imageBytes());
            sampleLabels_.push_back(entry.label);
        }
        stopwatch_.lap("sample");
    }

    ImageBatch sampleBatch() const {
        ImageBatch batch;
        batch.pixels = samplePixels_.data();
        batch.count = int(sample_.size());
        batch.size = support_.imageSize();
        return batch;
    }

    Candidate calibrated(const char* name, std::vector<float> codes) {
        Candidate candidate;
        candidate.name = name;
        candidate.codes = std::move(codes);
        candidate.network = backend_.generate(candidate.codes);
        stopwatch_.lap("weights");
        candidate.features = backend_.calibrate(
            *candidate.network, sampleBatch(), asked_.choice, [&](double done) { progress("calibrate", done); },
            &candidate.kept);
        stopwatch_.lap("calibrate");
        return candidate;
    }

    // The paper's path (sketch, recurrent cell, generators) and, where the model has base weights, those beside it.
    void predictCandidates() {
        const bool predicted = hyper_.trained && options_.weights != "base";
        const bool base = !hyper_.generators.pure && (!hyper_.trained || options_.weights != "predicted");
        if (predicted) {
            const std::vector<float> perImage = backend_.encode(sampleBatch());
            const std::vector<float> pooled = poolByLabel(perImage, sampleLabels_, imageFeatureCount(hyper_.sketch));
            const std::vector<float> sketch = sketchFromPooled(hyper_.sketch, pooled);
            stopwatch_.lap("sketch");
            progress("weights", 0);
            candidates_.push_back(calibrated("predicted", backend_.unroll(sketch)));
        }
        if (base) {
            if (predicted) shelve(candidates_.front());
            candidates_.push_back(calibrated("base", {}));
        }
    }

    void shelve(Candidate& candidate) {
        candidate.statistics = backend_.statistics(*candidate.network);
        candidate.network.reset();
    }

    // The same network again, bit by bit: weights follow from the codes.
    void takeFromShelf(Candidate& candidate) {
        NetworkWeights weights = backend_.download(*backend_.generate(candidate.codes));
        for (size_t i = 0; i < weights.size(); ++i) {
            weights[i].mean = std::move(candidate.statistics[i].mean);
            weights[i].variance = std::move(candidate.statistics[i].variance);
        }
        candidate.network = backend_.upload(weights);
    }

    std::unique_ptr<FeatureTable> sampleTable(const Candidate& candidate) const {
        auto table = std::make_unique<FeatureTable>(featureColumns(), classes_);
        table->append(candidate.features.data(), sampleLabels_.data(), int(sample_.size()), candidate.kept);
        return table;
    }

    // By leave-one-out accuracy on the sample, then by log loss: no image outside the support set is ever looked at.
    void chooseCandidate() {
        for (Candidate& candidate : candidates_) {
            if (candidates_.size() == 1) break;
            const auto table = sampleTable(candidate);
            candidate.judged = judgeHead(asked_.head, *table, gatherStatistics(*table, backend_));
        }
        chosen_ = 0;
        for (size_t i = 1; i < candidates_.size(); ++i) {
            const LeaveOneOut& best = candidates_[chosen_].judged;
            const LeaveOneOut& other = candidates_[i].judged;
            if (other.accuracy > best.accuracy || (other.accuracy == best.accuracy && other.logLoss < best.logLoss)) {
                chosen_ = i;
            }
        }
        for (size_t i = 0; i < candidates_.size(); ++i) {
            if (i != chosen_) candidates_[i].network.reset();
        }
        if (!candidates_[chosen_].network) takeFromShelf(candidates_[chosen_]);
        stopwatch_.lap("choice");
    }

    int featureColumns() const { return featureCount(hyper_.architecture, asked_.choice.stages); }

    // Sample images have their features from the calibration pass; the others get one ordinary pass.
    void gatherFeatures() {
        Candidate& chosen = candidates_[chosen_];
        if (sample_.size() == entries_.size()) {
            table_ = sampleTable(chosen);
            return;
        }
        const size_t columns = size_t(featureColumns());
        table_ = std::make_unique<FeatureTable>(int(columns), classes_);
        const size_t most = std::clamp<size_t>(kFeatureBatchBytes / support_.imageBytes(), 1, kFeatureBatch);
        std::vector<uint8_t> pixels(support_.imageBytes() * most);
        std::vector<float> fresh(columns * most);
        size_t nextSample = 0;
        for (size_t first = 0; first < entries_.size(); first += most) {
            progress("features", double(first) / double(entries_.size()));
            const size_t end = std::min(entries_.size(), first + most);
            ImageBatch batch;
            batch.pixels = pixels.data();
            batch.size = support_.imageSize();
            std::vector<bool> known;  // from the sample
            for (size_t e = first, at = nextSample; e < end; ++e) {
                known.push_back(at < sample_.size() && sample_[at] == e);
                if (known.back()) {
                    ++at;
                } else {
                    support_.readPixels(entries_[e].record,
                                        pixels.data() + size_t(batch.count++) * support_.imageBytes());
                }
            }
            KeptRows kept;
            if (batch.count > 0) backend_.features(*chosen.network, batch, asked_.choice, fresh.data(), &kept);
            size_t nextFresh = 0;
            for (size_t e = first; e < end; ++e) {
                const bool sampled = known[e - first];
                const size_t from = sampled ? nextSample++ : nextFresh++;
                const float* rows = (sampled ? chosen.features : fresh).data();
                table_->append(rows + from * columns, &entries_[e].label, 1, sampled ? chosen.kept : kept, int(from));
            }
        }
        stopwatch_.lap("features");
    }

    // An Updater fits this head again, and has no backend: whatever device predicts, both sum on the CPU.
    void fitFinalHead() {
        progress("head", 0);
        const FeatureStatistics statistics =
            options_.keepSupport ? gatherStatistics(*table_, addGramOnCpu) : gatherStatistics(*table_, backend_);
        fitted_ = fitHead(asked_.head, *table_, statistics, options_.rejected);
        stopwatch_.lap("head");
    }

    std::vector<Suspect> findSuspects() const {
        std::vector<Suspect> suspects;
        const LeaveOneOut& judged = fitted_.leaveOneOut;
        for (size_t e = 0; e < entries_.size(); ++e) {
            if (judged.predicted[e] == entries_[e].label) continue;
            Suspect suspect;
            suspect.image = int(entries_[e].record);
            suspect.label = entries_[e].label;
            suspect.predicted = judged.predicted[e];
            suspect.margin = judged.answerProbability[e] - judged.labelProbability[e];
            suspects.push_back(suspect);
        }
        std::stable_sort(suspects.begin(), suspects.end(),
                         [](const Suspect& a, const Suspect& b) { return a.margin > b.margin; });
        return suspects;
    }

    PredictionContents buildContents() {
        progress("net", 0);
        PredictionContents contents;
        contents.description.classNames = names_;
        contents.description.size = hyper_.architecture.size;
        contents.description.threshold = fitted_.head.familiarity.threshold;
        std::map<std::string, std::string> metadata = toMetadata(contents.description);
        metadata["hyperpred.architecture"] = toJson(hyper_.architecture);
        metadata["hyperpred.report"] = findings().dump();
        NetworkWeights weights = backend_.download(*candidates_[chosen_].network);
        candidates_[chosen_].network.reset();  // the peak of memory is here: one copy less
        if (options_.keepWeights) {
            contents.architecture = std::make_shared<Architecture>(hyper_.architecture);
            contents.weights = weights;
        }
        contents.graph = buildNet(hyper_.architecture, std::move(weights), asked_.choice, fitted_.head, metadata);
        contents.format = asked_.format;
        contents.expectedAccuracy = fitted_.leaveOneOut.accuracy;
        contents.suspects = findSuspects();
        contents.dropped = dropped_;
        if (options_.keepSupport) contents.support = keptSupport();
        contents.device = backend_.device();
        stopwatch_.lap("net");
        if (asked_.format == OnnxFormat::Int8) {
            contents.quantisation = quantised(contents.graph);
            stopwatch_.lap("quantise");
        }
        Json report = findings();
        report["leave_one_out"] = Json::parse(judgedSupport().json());
        report["conflicts"] = conflicts();
        addDuplicates(report);
        report["device"] = contents.device;
        report["milliseconds"] = stopwatch_.json();
        contents.report = report.dump(-1, ' ', false, Json::error_handler_t::replace);
        progress("net", 1);
        return contents;
    }

    std::vector<std::string> readableNames() const {
        std::vector<std::string> names;
        for (const std::string& name : names_) names.push_back(readableName(name));
        return names;
    }

    std::shared_ptr<const SupportFeatures> keptSupport() const {
        auto support = std::make_shared<SupportFeatures>();
        support->classNames = readableNames();
        support->listed = classes_;
        support->head = asked_.head;
        support->rejected = options_.rejected;
        support->columns = featureColumns();
        support->labels = table_->labels();
        for (const SupportEntry& entry : entries_) support->hashes.push_back(entry.hash);
        support->rows.resize(entries_.size() * size_t(support->columns));
        table_->read(0, table_->rows(), support->rows.data());
        return support;
    }

    // Integers in place of the graph's weights and maps, by the ranges over evenly spaced images of the sample.
    Quantisation quantised(const NetGraph& graph) const {
        const size_t count = std::min(sample_.size(), size_t(kQuantisationImages));
        std::vector<uint8_t> pixels;
        for (size_t i = 0; i < count; ++i) {
            const auto from =
                samplePixels_.begin() + std::ptrdiff_t(i * sample_.size() / count * support_.imageBytes());
            pixels.insert(pixels.end(), from, from + std::ptrdiff_t(support_.imageBytes()));
        }
        ImageBatch images;
        images.pixels = pixels.data();
        images.count = int(count);
        images.size = support_.imageSize();
        return quantise(
            graph, activationRanges(graph, int8Nodes(graph), images, [&](double done) { progress("quantise", done); }));
    }

    // What depends on the support set and the options alone, so that it may go into the ONNX file.
    Json findings() const {
        Json result;
        result["architecture"] = hyper_.architecture.name;
        result["weights"] = candidates_[chosen_].name;
        for (const Candidate& candidate : candidates_) {
            if (candidates_.size() > 1) {
                result["leave_one_out_on_sample"][candidate.name] = candidate.judged.accuracy;
            }
        }
        result["head"] = headName(fitted_.head.kind);
        result["regulariser"] = fitted_.head.regulariser;
        result["temperature"] = fitted_.head.temperature;
        result["features"] = asked_.choice.stages;
        result["pooling"] = poolingName(asked_.choice.pooling);
        result["feature_count"] = featureColumns();
        result["classes"] = classes_;
        result["images"] = entries_.size();
        result["sample"] = sample_.size();
        result["expected_accuracy"] = fitted_.leaveOneOut.accuracy;
        result["expected_log_loss"] = fitted_.leaveOneOut.logLoss;
        result["rejected"] = options_.rejected;
        if (options_.dropSuspects > 0) {
            result["dropped_suspects"] = dropped_.size();
            result["expected_accuracy_of_all"] = accuracyOfAll_;
        }
        return result;
    }

    // Pairs of images with the same pixels under different labels, by position in the order of add().
    Json conflicts() const {
        Json list = Json::array();
        for (const Conflict& conflict : findConflicts(entries_)) {
            list.push_back({entries_[conflict.first].record, entries_[conflict.second].record});
        }
        return list;
    }

    // Images that are there more than once under one label. The list is bounded, the count is not.
    void addDuplicates(Json& report) const {
        Json list = Json::array();
        size_t copies = 0;
        for (const std::vector<size_t>& group : findDuplicates(entries_)) {
            copies += group.size() - 1;
            if (list.size() == kMostDuplicates) continue;
            Json records = Json::array();
            for (size_t i = 0; i < std::min(group.size(), kMostDuplicates); ++i) {
                records.push_back(entries_[group[i]].record);
            }
            list.push_back(records);
        }
        report["duplicates"] = list;
        report["copies"] = copies;
    }

    Judgement judgedSupport() const {
        Judgement judgement(classes_);
        const LeaveOneOut& judged = fitted_.leaveOneOut;
        for (size_t e = 0; e < entries_.size(); ++e) {
            judgement.add(entries_[e].label, judged.predicted[e], double(judged.answerProbability[e]),
                          judged.familiarity[e]);
        }
        return judgement;
    }

    const HyperNetwork& hyper_;
    Backend& backend_;
    const SupportSet& support_;
    const PredictOptions& options_;
    Stopwatch stopwatch_;

    CheckedOptions asked_;
    std::vector<SupportEntry> entries_;  // canonical order, without the dropped ones
    std::vector<Suspect> dropped_;
    double accuracyOfAll_ = 0;
    int classes_ = 0;
    std::vector<std::string> names_;
    std::vector<size_t> sample_;
    std::vector<int> sampleLabels_;
    std::vector<uint8_t> samplePixels_;
    std::vector<Candidate> candidates_;
    size_t chosen_ = 0;
    std::unique_ptr<FeatureTable> table_;
    FittedHead fitted_;
};

class HyperPredictorImpl : public HyperPredictor {
public:
    HyperPredictorImpl(const String& modelFile, const String& backend, int threads)
        : hyper_(std::make_shared<const HyperNetwork>(loadHyperNetwork(ModelFile::open(modelFile)))),
          backend_(createBackend(backend, hyper_, threads)),
          support_(hyper_->architecture.size) {}

    void add(InputArrayOfArrays images, InputArray labels) override { support_.add(toMats(images), toLabels(labels)); }
    int size() const override { return support_.size(); }
    void clear() override { support_.clear(); }

    Ptr<Prediction> predict(const PredictOptions& options) override {
        return makePrediction(Run(*hyper_, *backend_, support_, options)());
    }

    String info() const override {
        Json info;
        const Cost cost = totalCost(hyper_->architecture);
        info["architecture"] = Json::parse(toJson(hyper_->architecture));
        info["parameters"] = cost.parameters;
        info["flops"] = cost.flops;
        info["hypernetwork"] = Json::parse(toJson(hyper_->config));
        info["trained"] = hyper_->trained;
        info["training"] = hyper_->training.empty() ? Json() : Json::parse(hyper_->training);
        info["device"] = backend_->device();
        return info.dump();
    }

private:
    std::shared_ptr<const HyperNetwork> hyper_;
    std::unique_ptr<Backend> backend_;
    SupportSet support_;
};

}  // namespace

Ptr<HyperPredictor> HyperPredictor::create(const String& modelFile, const String& backend, int threads) {
    if (threads < 0) fail(Failure::OutOfRange, "threads is " + std::to_string(threads) + ", must be 0 or more");
    return makePtr<HyperPredictorImpl>(modelFile, backend, threads);
}

}  // namespace hyperpred
}  // namespace cv
