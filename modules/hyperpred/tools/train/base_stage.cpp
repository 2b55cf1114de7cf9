// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "base_stage.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "augment.hpp"
#include "classifier_accuracy.hpp"
#include "closed_form.hpp"
#include "curves.hpp"
#include "error.hpp"
#include "label_space.hpp"
#include "mean_classifier.hpp"
#include "optimiser.hpp"
#include "packed_data.hpp"
#include "probe.hpp"
#include "run_control.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

const int64_t kAverageEvery = 4;  // steps between updates of the averaged weights: saves time, same mean
const int64_t kLogEvery = 50;     // steps

// All training images of all data sets, in one order.
struct TrainingImages {
    torch::Tensor set, row, label;  // N, int64; label among all classes
    int64_t count() const { return set.numel(); }
};

TrainingImages listImages(const std::vector<DataSet>& sets) {
    std::vector<torch::Tensor> set, row, label;
    for (size_t s = 0; s < sets.size(); ++s) {
        for (size_t c = 0; c < sets[s].classes.size(); ++c) {
            const torch::Tensor& rows = sets[s].classes[c];
            row.push_back(rows);
            set.push_back(torch::full_like(rows, int64_t(s)));
            label.push_back(torch::full_like(rows, sets[s].firstLabel + int64_t(c)));
        }
    }
    return {torch::cat(set), torch::cat(row), torch::cat(label)};
}

struct Batch {
    torch::Tensor images, set, label;
};

// Images come ordered by data set within the batch, which nothing depends on.
Batch gatherBatch(const std::vector<DataSet>& sets, const TrainingImages& all, const torch::Tensor& places,
                  const torch::Device& device) {
    const torch::Tensor set = all.set.index_select(0, places);
    std::vector<torch::Tensor> images, order;
    for (size_t s = 0; s < sets.size(); ++s) {
        const torch::Tensor own = places.index({set == int64_t(s)});
        if (own.numel() == 0) continue;
        images.push_back(gatherImages(sets[s].pixels, all.row.index_select(0, own), device));
        order.push_back(own);
    }
    const torch::Tensor ordered = torch::cat(order);
    return {torch::cat(images), all.set.index_select(0, ordered).to(device),
            all.label.index_select(0, ordered).to(device)};
}

// The order of the images in an epoch depends on the seed and the epoch alone, so that a resumed run goes on in it.
torch::Tensor epochOrder(int64_t count, int64_t seed, int64_t epoch) {
    torch::Generator chance = torch::make_generator<at::CPUGeneratorImpl>(uint64_t(seed) * 1000003u + uint64_t(epoch));
    return torch::randperm(count, chance, torch::kLong);
}

int64_t edgeAt(const Settings& settings, const Architecture& architecture, double share) {
    int64_t edge = architecture.size;
    for (const auto& entry : settings.resolutions) {
        if (share >= entry.first) edge = entry.second;
    }
    return edge;
}

class BaseTraining : private SteppedStage {
public:
    BaseTraining(const Settings& settings, TrainState* from);
    bool run();

private:
    void start(TrainState* from);
    void step() override;
    void afterStep(RunControl& control, Progress& progress) override;
    void report(bool validating, RunControl& control, Progress& progress);
    torch::Tensor lossOf(const Batch& batch, double share);
    std::map<std::string, double> validate();
    std::vector<std::string> judgedColumns() const;
    void save() override;

    const Settings& settings_;
    Architecture architecture_;
    std::map<std::string, PackedFile> files_;
    std::vector<DataSet> sets_, held_, tests_;
    LabelSpace space_;
    TrainingImages images_;
    torch::Device device_;
    bool bf16_;
    int64_t batch_, stepsAnEpoch_, steps_, validateEvery_;
    TrainState state_;
    Chance chance_;
    int64_t orderEpoch_ = -1;
    torch::Tensor order_;
    double rate_ = 0, lossSum_ = 0, earlier_ = 0, tickSeconds_ = 0;
    double judging_ = 0;  // seconds of this session that went into validation, which is no part of the training
    int64_t lossCount_ = 0, tickImages_ = 0;
    std::unique_ptr<RunLog> log_;
};

BaseTraining::BaseTraining(const Settings& settings, TrainState* from)
    : settings_(settings),
      architecture_(loadArchitecture(settings.architectureFile)),
      sets_(selectData(settings.data, files_)),
      held_(selectData(settings.validation, files_)),
      tests_(matchTests(selectData(settings.test, files_), sets_)),
      space_(labelSpaceOf(sets_, settings.word("base.softmax"))),
      images_(listImages(sets_)),
      device_(settings.word("run.device") == "cuda" ? torch::kCUDA : torch::kCPU),
      bf16_(computesInHalf(settings.word("run.precision"), device_)),
      batch_(settings.integer("base.batch")),
      chance_(torch::make_generator<at::CPUGeneratorImpl>(uint64_t(settings.integer("run.seed")))) {
    requireEdge(sets_, architecture_.size);
    requireEdge(held_, architecture_.size);
    requireEdge(tests_, architecture_.size);
    stepsAnEpoch_ = images_.count() / batch_;
    if (stepsAnEpoch_ < 1) {
        fail(Failure::BadArgument, "base.batch is " + std::to_string(batch_) + ", but there are only " +
                                       std::to_string(images_.count()) + " training images");
    }
    steps_ = std::max<int64_t>(1, std::llround(settings.number("base.epochs") * double(stepsAnEpoch_)));
    validateEvery_ = std::max<int64_t>(1, std::llround(settings.number("base.validate_every") * double(stepsAnEpoch_)));
    space_.allowed = space_.allowed.to(device_);
    for (std::vector<DataSet>* sets : {&sets_, &held_, &tests_}) moveToDevice(*sets, files_, device_);
    start(from);
}

void BaseTraining::start(TrainState* from) {
    if (from != nullptr) {
        state_ = std::move(*from);
        requireResumable(state_, space_.names, settings_.word("run.out"));
        chance_.set_state(state_.chance);
    } else {
        const std::string& init = settings_.word("base.init");
        state_.parameters =
            init.empty() ? initialBase(architecture_, chance_) : readStartWeights(init, architecture_).parameters;
        state_.parameters.erase("classifier.weight");
        state_.parameters.erase("classifier.bias");
        const int64_t features = architecture_.nodes[size_t(architecture_.stages.back())].shape.channels;
        state_.parameters["classifier.weight"] =
            torch::randn({space_.classes, features}, chance_, torch::kFloat) * 0.01;
        state_.parameters["classifier.bias"] = torch::zeros({space_.classes});
        state_.classNames = space_.names;
    }
    state_.stage = "base";
    state_.settings = settings_.document;
    state_.moveTo(device_);
    if (from == nullptr) {
        if (settings_.word("base.classifier") == "means") {
            addMeanClassifier(architecture_, sets_, bf16_, device_, state_.parameters);
        }
        averageInto(state_.average, state_.parameters, 0);
    }
    for (auto& entry : state_.parameters) entry.second.requires_grad_(true);
    earlier_ = state_.seconds;
    tickImages_ = state_.images;
    std::filesystem::create_directories(settings_.word("run.out"));
    std::vector<std::string> columns = {"epoch", "minutes", "images", "loss", "lr", "edge", "images_per_second"};
    for (const std::string& name : judgedColumns()) columns.push_back(name);
    log_ = std::make_unique<RunLog>(settings_.word("run.out") + "/log.csv", columns, state_.step);
}

torch::Tensor BaseTraining::lossOf(const Batch& batch, double share) {
    torch::Tensor images = augmentImages(batch.images, edgeAt(settings_, architecture_, share), settings_, chance_);
    images = applyTransform(drawTransform(chance_, 1 - settings_.number("base.transform")), images, chance_);
    Mixed mixed;
    mixed.images = images;
    if (share < 1 - settings_.number("base.quiet_end")) mixed = mixImages(images, settings_, chance_);
    const torch::Tensor input = normalised(architecture_, mixed.images);
    StageOutputs stages;
    {
        const Autocast autocast(bf16_, device_);
        stages = forwardTarget(architecture_, baseWeights(architecture_, state_.parameters), input);
    }
    const torch::Tensor logits = at::linear(stages.mean.back(), state_.parameters.at("classifier.weight"),
                                            state_.parameters.at("classifier.bias"));
    const double smoothing = settings_.number("base.label_smoothing");
    const torch::Tensor own = crossEntropy(logits, batch.label, space_.allowed.index_select(0, batch.set), smoothing);
    if (!mixed.partner.defined()) return own;
    // A mixed image may hold two data sets' classes: each target competes within its own set.
    const torch::Tensor other =
        crossEntropy(logits, batch.label.index_select(0, mixed.partner),
                     space_.allowed.index_select(0, batch.set.index_select(0, mixed.partner)), smoothing);
    return mixed.share * own + (1 - mixed.share) * other;
}

void BaseTraining::step() {
    const int64_t epoch = state_.step / stepsAnEpoch_, place = state_.step % stepsAnEpoch_;
    if (epoch != orderEpoch_) {
        order_ = epochOrder(images_.count(), settings_.integer("run.seed"), epoch);
        orderEpoch_ = epoch;
    }
    const Batch batch = gatherBatch(sets_, images_, order_.slice(0, place * batch_, (place + 1) * batch_), device_);
    const torch::Tensor loss = lossOf(batch, double(state_.step) / double(steps_));
    loss.backward();
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
        fail(Failure::OutOfRange, "the loss is no longer finite at step " + std::to_string(state_.step) +
                                      "; lower base.lr, or resume from the last checkpoint with --set base.lr=...");
    }
    rate_ = scheduledRate(settings_.number("base.lr"), settings_.word("base.schedule"), state_.step, steps_,
                          settings_.number("base.warmup_epochs") * double(stepsAnEpoch_));
    OptimiserRule rule;
    rule.adamw = settings_.word("base.optimiser") == "adamw";
    rule.momentum =
        scheduledMomentum(settings_.number("base.momentum"), settings_.word("base.schedule"), state_.step, steps_);
    rule.weightDecay = settings_.number("base.weight_decay");
    const double rate = rate_;
    applyGradients(
        state_.parameters, state_.optimiser, rule, [rate](const std::string&) { return rate; }, state_.step + 1);
    if (state_.step % kAverageEvery == 0 || state_.step + 1 == steps_) {
        const double young = double(state_.step + 1) / double(state_.step + 10);
        averageInto(state_.average, state_.parameters,
                    std::pow(std::min(settings_.number("base.ema"), young), double(kAverageEvery)));
    }
    ++state_.step;
    state_.images += batch_;
    lossSum_ += value;
    ++lossCount_;
}

std::map<std::string, double> BaseTraining::validate() {
    std::map<std::string, double> results;
    for (const DataSet& set : held_) {
        results[set.name + " raw"] = probeAccuracy(architecture_, state_.parameters, set, bf16_, device_);
        results[set.name + " averaged"] = probeAccuracy(architecture_, state_.average, set, bf16_, device_);
    }
    for (const DataSet& set : tests_) {
        const auto test = [&](const Named& parameters) {
            return classifierAccuracy(architecture_, parameters, space_, sets_, set, bf16_, device_);
        };
        results[set.name + " test raw"] = test(state_.parameters);
        results[set.name + " test averaged"] = test(state_.average);
    }
    return results;
}

// Names of what validate() measures.
std::vector<std::string> BaseTraining::judgedColumns() const {
    std::vector<std::string> columns;
    for (const char* kind : {" raw", " averaged"}) {
        for (const DataSet& set : held_) columns.push_back(set.name + kind);
        for (const DataSet& set : tests_) columns.push_back(set.name + " test" + kind);
    }
    return columns;
}

void BaseTraining::save() {
    state_.chance = chance_.get_state();
    saveCheckpoint(settings_.word("run.out"), state_);
    std::vector<Panel> panels = {{"Loss, stage 1", "epoch", {"loss"}}, {"Learning rate", "epoch", {"lr"}}};
    if (!judgedColumns().empty()) panels.push_back({"Accuracy on held-out classes or tests", "epoch", judgedColumns()});
    writeCurves(settings_.word("run.out") + "/curves.png", log_->table(), panels);
}

void BaseTraining::afterStep(RunControl& control, Progress& progress) {
    state_.seconds = earlier_ + control.seconds() - judging_;
    const bool validating = state_.step == steps_ || state_.step % validateEvery_ == 0;
    if (validating || state_.step % kLogEvery == 0) report(validating, control, progress);
}

void BaseTraining::report(bool validating, RunControl& control, Progress& progress) {
    const double speed = double(state_.images - tickImages_) / std::max(1e-9, control.seconds() - tickSeconds_);
    std::map<std::string, double> row = {
        {"epoch", double(state_.step) / double(stepsAnEpoch_)},
        {"minutes", state_.seconds / 60},
        {"images", double(state_.images)},
        {"loss", lossSum_ / double(lossCount_)},
        {"lr", rate_},
        {"edge", double(edgeAt(settings_, architecture_, double(state_.step - 1) / double(steps_)))},
        {"images_per_second", speed}};
    char text[200];
    std::snprintf(text, sizeof text, "epoch %.2f  %.1f min  loss %.4f  lr %.4f  edge %.0f  %.0f images/s", row["epoch"],
                  row["minutes"], row["loss"], rate_, row["edge"], speed);
    std::string line = text;
    if (validating) {
        const double before = control.seconds();
        const std::map<std::string, double> results = validate();
        judging_ += control.seconds() - before;
        state_.summary = Json(results).dump();
        for (const auto& result : results) {
            std::snprintf(text, sizeof text, " %.4f", result.second);
            line += "  " + result.first + text;
        }
        row.insert(results.begin(), results.end());
    }
    progress.say(line);
    log_->append(state_.step, row);
    lossSum_ = 0;
    lossCount_ = 0;
    tickImages_ = state_.images;
    tickSeconds_ = control.seconds();
}

bool BaseTraining::run() {
    RunControl control(settings_);
    Progress progress("base", steps_);
    progress.say("stage 1: architecture " + architecture_.name + ", " + std::to_string(images_.count()) +
                 " images of " + std::to_string(space_.classes) + " classes, " + std::to_string(steps_) + " steps of " +
                 std::to_string(batch_) + ", from step " + std::to_string(state_.step));
    return runSteps(*this, state_.step, steps_, "step", settings_, control, progress);
}

}  // namespace

bool runBaseStage(const Settings& settings, TrainState* from) {
    return BaseTraining(settings, from).run();
}

}  // namespace hyperpred
}  // namespace cv
