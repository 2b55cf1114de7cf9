// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "meta_stage.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "closed_form.hpp"
#include "curves.hpp"
#include "error.hpp"
#include "hyper_model.hpp"
#include "label_space.hpp"
#include "mean_classifier.hpp"
#include "meta_pass.hpp"
#include "optimiser.hpp"
#include "probe.hpp"
#include "run_control.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

const int64_t kLogEvery = 20;            // tasks

const std::vector<std::string> kLosses = {"loss", "task loss", "all loss", "kl loss", "task accuracy", "all accuracy"};

class MetaTraining : private SteppedStage {
public:
    MetaTraining(const Settings& settings, TrainState* from);
    bool run();

private:
    void start(TrainState* from);
    void freshStart();
    void step() override;
    void afterStep(RunControl& control, Progress& progress) override;
    std::map<std::string, torch::Tensor> lossesOf(const Task& task, const torch::Tensor& logits,
                                                  const torch::Tensor& allLogits);
    std::map<std::string, double> validate(std::string& line);
    void report(RunControl& control, Progress& progress);
    void save() override;
    double rateOf(const std::string& name) const;

    const Settings& settings_;
    Architecture architecture_;
    std::map<std::string, PackedFile> files_;
    std::vector<DataSet> sets_, held_;
    LabelSpace space_;
    torch::Device device_;
    MetaModel model_;
    int64_t steps_;
    TrainState state_;
    Chance chance_;
    double share_ = 0;  // learning rates as a share of the highest
    std::map<std::string, double> sums_;
    int64_t summed_ = 0;
    double earlier_ = 0, tickSeconds_ = 0;
    double judging_ = 0;  // seconds of this session that went into validation, which is no part of the training
    std::unique_ptr<RunLog> log_;
};

MetaTraining::MetaTraining(const Settings& settings, TrainState* from)
    : settings_(settings),
      architecture_(loadArchitecture(settings.architectureFile)),
      sets_(selectData(settings.data, files_)),
      held_(selectData(settings.validation, files_)),
      space_(labelSpaceOf(sets_, settings.word("base.softmax"))),
      device_(settings.word("run.device") == "cuda" ? torch::kCUDA : torch::kCPU),
      model_{settings_, architecture_, device_, computesInHalf(settings.word("run.precision"), device_)},
      steps_(settings.integer("meta.tasks")),
      chance_(torch::make_generator<at::CPUGeneratorImpl>(uint64_t(settings.integer("run.seed")) + 7919u)) {
    requireEdge(sets_, architecture_.size);
    requireEdge(held_, architecture_.size);
    if (settings.integer("meta.least_classes") > settings.integer("meta.most_classes")) {
        fail(Failure::BadArgument, "meta.least_classes is greater than meta.most_classes");
    }
    space_.allowed = space_.allowed.to(device_);
    for (std::vector<DataSet>* sets : {&sets_, &held_}) moveToDevice(*sets, files_, device_);
    start(from);
}

void MetaTraining::start(TrainState* from) {
    const bool fresh = from == nullptr;
    if (fresh) {
        freshStart();
    } else {
        state_ = std::move(*from);
        requireResumable(state_, space_.names, settings_.word("run.out"));
        chance_.set_state(state_.chance);
    }
    state_.stage = "meta";
    state_.settings = settings_.document;
    state_.moveTo(device_);
    if (fresh && state_.parameters.count("classifier.weight") == 0) {
        addMeanClassifier(architecture_, sets_, model_.bf16, device_, state_.parameters);
    }
    if (fresh) averageInto(state_.average, state_.parameters, 0);
    for (auto& entry : state_.parameters) entry.second.requires_grad_(rateOf(entry.first) > 0);
    earlier_ = state_.seconds;
    std::filesystem::create_directories(settings_.word("run.out"));
    std::vector<std::string> columns = {"minutes",        "lr",    "temperature", "lambda",
                                        "seconds_a_task", "right", "wrong",       "base"};
    columns.insert(columns.end(), kLosses.begin(), kLosses.end());
    for (int i = 0; i < kShifts; ++i) {
        for (const char* kind : {"right ", "wrong ", "base "}) {
            columns.push_back(kind + std::string(shiftName(static_cast<Shift>(i))));
        }
    }
    log_ = std::make_unique<RunLog>(settings_.word("run.out") + "/log.csv", columns, state_.step);
}

void MetaTraining::freshStart() {
    const std::string& init = settings_.word("meta.init");
    if (!init.empty()) {
        StartWeights start = readStartWeights(init, architecture_);
        state_.parameters = std::move(start.parameters);
        state_.summary = Json{{"base", Json::parse(start.summary)}}.dump();
        if (start.classNames != space_.names) {
            state_.parameters.erase("classifier.weight");
            state_.parameters.erase("classifier.bias");
        }
    } else {
        state_.parameters = initialBase(architecture_, chance_);
    }
    if (settings_.hyper.form == "pure") {
        for (const auto& entry : initialBase(architecture_, chance_)) state_.parameters.erase(entry.first);
        state_.parameters.erase("classifier.weight");
        state_.parameters.erase("classifier.bias");
        const int64_t features = architecture_.nodes[size_t(architecture_.stages.back())].shape.channels;
        state_.parameters["classifier.weight"] =
            torch::randn({space_.classes, features}, chance_, torch::kFloat) * 0.01;
        state_.parameters["classifier.bias"] = torch::zeros({space_.classes});
    }
    for (const auto& entry : initialHyper(settings_.hyper, architecture_, chance_)) {
        state_.parameters[entry.first] = entry.second;
    }
    addHeadParameters(state_.parameters);
    state_.classNames = space_.names;
}

double MetaTraining::rateOf(const std::string& name) const {
    if (name.compare(0, 5, "base.") == 0) return settings_.number("meta.base_lr");
    return settings_.number("meta.lr");
}

std::map<std::string, torch::Tensor> MetaTraining::lossesOf(const Task& task, const torch::Tensor& logits,
                                                            const torch::Tensor& allLogits) {
    const torch::Tensor labels = task.queryLabels.to(device_), classes = task.classLabels.to(device_);
    const torch::Tensor allLabels =
        classes.index_select(0, torch::cat({task.supportLabels, task.queryLabels}).to(device_));
    const torch::Tensor allowed = space_.allowed[task.set].unsqueeze(0).expand_as(allLogits);
    std::map<std::string, torch::Tensor> losses;
    losses["task loss"] = crossEntropy(logits, labels, {}, 0);
    losses["all loss"] = crossEntropy(allLogits, allLabels, allowed, 0);
    const torch::Tensor queryLogits = allLogits.slice(0, task.supportRows.numel());
    losses["kl loss"] = symmetricDivergence(logits, queryLogits.index_select(1, classes));
    losses["loss"] = losses["task loss"] + settings_.number("meta.all_weight") * losses["all loss"] +
                     settings_.number("meta.kl_weight") * losses["kl loss"];
    losses["task accuracy"] = (logits.argmax(1) == labels).to(torch::kFloat).mean();
    losses["all accuracy"] =
        (allLogits.masked_fill(allowed.logical_not(), -1e4).argmax(1) == allLabels).to(torch::kFloat).mean();
    return losses;
}

void MetaTraining::step() {
    TaskSizes sizes;
    sizes.leastClasses = settings_.integer("meta.least_classes");
    sizes.mostClasses = settings_.integer("meta.most_classes");
    sizes.supportImages = settings_.integer("meta.support_images");
    sizes.queryImages = settings_.integer("meta.query_images");
    Task task = drawTask(sets_, sizes, chance_);
    task.transform = drawTransform(chance_, settings_.number("meta.identity"));
    const DataSet& set = sets_[size_t(task.set)];
    const torch::Tensor planes = taskPlanes(model_, set, task, task.transform, chance_);
    const bool augmented = uniform(chance_) < settings_.number("meta.augment");
    const torch::Tensor input = taskImages(model_, set, task, augmented, chance_);
    const TargetWeights weights = weightsFor(model_, state_.parameters, planes, task);
    const StageOutputs stages = taskStages(model_, weights, input);
    const torch::Tensor allLogits = at::linear(stages.mean.back(), state_.parameters.at("classifier.weight"),
                                               state_.parameters.at("classifier.bias"));
    std::map<std::string, torch::Tensor> losses =
        lossesOf(task, taskLogits(model_, state_.parameters, stages, task), allLogits);
    losses["loss"].backward();
    for (const auto& loss : losses) sums_[loss.first] += loss.second.item<double>();
    if (!std::isfinite(sums_["loss"])) {
        fail(Failure::OutOfRange, "the loss is no longer finite at task " + std::to_string(state_.step) +
                                      "; lower meta.lr, or resume from the last checkpoint with --set meta.lr=...");
    }
    ++summed_;
    clipGradients(state_.parameters, settings_.number("meta.clip"));
    share_ = scheduledRate(1, "cosine", state_.step, steps_, settings_.number("meta.warmup_tasks"));
    OptimiserRule rule;
    rule.adamw = true;
    rule.weightDecay = settings_.number("meta.weight_decay");
    applyGradients(
        state_.parameters, state_.optimiser, rule, [this](const std::string& name) { return share_ * rateOf(name); },
        state_.step + 1);
    const double young = double(state_.step + 1) / double(state_.step + 10);
    averageInto(state_.average, state_.parameters, std::min(settings_.number("meta.ema"), young));
    ++state_.step;
    state_.images += input.size(0);
}

std::map<std::string, double> MetaTraining::validate(std::string& line) {
    const SketchComparison compared =
        compareSketches(model_, state_.average, held_, settings_.integer("meta.validation_tasks"));
    std::map<std::string, double> results = {{"right", SketchComparison::mean(compared.right)},
                                             {"wrong", SketchComparison::mean(compared.wrong)},
                                             {"base", SketchComparison::mean(compared.base)}};
    char text[160];
    std::snprintf(text, sizeof text, "\n  held-out classes: right sketch %.4f  wrong sketch %.4f  base %.4f",
                  results["right"], results["wrong"], results["base"]);
    line += text;
    for (int i = 0; i < kShifts; ++i) {
        const std::string name = shiftName(static_cast<Shift>(i));
        results["right " + name] = compared.right[i];
        results["wrong " + name] = compared.wrong[i];
        results["base " + name] = compared.base[i];
        std::snprintf(text, sizeof text, "\n    %-12s %.4f  %.4f  %.4f", name.c_str(), compared.right[i],
                      compared.wrong[i], compared.base[i]);
        line += text;
    }
    Json summary = Json::parse(state_.summary);
    summary["meta"] = results;
    state_.summary = summary.dump();
    return results;
}

void MetaTraining::save() {
    state_.chance = chance_.get_state();
    saveCheckpoint(settings_.word("run.out"), state_);
    writeCurves(settings_.word("run.out") + "/curves.png", log_->table(),
                {{"Losses, stage 2", "step", {"task loss", "all loss", "kl loss"}},
                 {"Accuracy on training tasks", "step", {"task accuracy", "all accuracy"}},
                 {"Accuracy on held-out classes", "step", {"right", "wrong", "base"}}});
}

void MetaTraining::report(RunControl& control, Progress& progress) {
    std::map<std::string, double> row;
    for (const auto& sum : sums_) row[sum.first] = sum.second / double(std::max<int64_t>(1, summed_));
    row["minutes"] = state_.seconds / 60;
    row["lr"] = share_ * settings_.number("meta.lr");
    row["temperature"] = state_.parameters.at("head.log_temperature").exp().item<double>();
    row["lambda"] = state_.parameters.at("head.log_lambda").exp().item<double>();
    if (summed_ > 0) row["seconds_a_task"] = (control.seconds() - tickSeconds_) / double(summed_);
    char text[240];
    std::snprintf(text, sizeof text,
                  "task %lld  %.1f min  loss %.3f (task %.3f all %.3f kl %.3f)  accuracy %.3f all %.3f  %.2f s/task",
                  static_cast<long long>(state_.step), row["minutes"], row["loss"], row["task loss"], row["all loss"],
                  row["kl loss"], row["task accuracy"], row["all accuracy"], row["seconds_a_task"]);
    std::string line = text;
    const bool validating = state_.step == steps_ || state_.step % settings_.integer("meta.validate_every") == 0;
    if (validating && !held_.empty()) {
        const double before = control.seconds();
        const std::map<std::string, double> results = validate(line);
        judging_ += control.seconds() - before;
        row.insert(results.begin(), results.end());
    }
    progress.say(line);
    log_->append(state_.step, row);
    sums_.clear();
    summed_ = 0;
    tickSeconds_ = control.seconds();
}

void MetaTraining::afterStep(RunControl& control, Progress& progress) {
    state_.seconds = earlier_ + control.seconds() - judging_;
    const bool due = state_.step % kLogEvery == 0 || state_.step % settings_.integer("meta.validate_every") == 0;
    if (due || state_.step == steps_) report(control, progress);
}

bool MetaTraining::run() {
    RunControl control(settings_);
    Progress progress("meta", steps_);
    progress.say("stage 2: architecture " + architecture_.name + ", " + settings_.hyper.form + " generators, " +
                 settings_.hyper.encoder + " encoder, " + std::to_string(space_.classes) + " classes, " +
                 std::to_string(steps_) + " tasks, from task " + std::to_string(state_.step));
    if (state_.step == 0) report(control, progress);
    return runSteps(*this, state_.step, steps_, "task", settings_, control, progress);
}

}  // namespace

bool runMetaStage(const Settings& settings, TrainState* from) {
    return MetaTraining(settings, from).run();
}

}  // namespace hyperpred
}  // namespace cv
