// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_RUN_CONTROL_HPP
#define HYPERPRED_TRAIN_RUN_CONTROL_HPP

#include <chrono>
#include <cstdint>
#include <string>

#include "settings.hpp"

namespace cv {
namespace hyperpred {

// Says when a run writes checkpoints and when it ends early: SIGINT, SIGTERM, run.stop_after_minutes or
// run.stop_after_steps. It never touches the schedule, which counts steps of the whole run.
class RunControl {
public:
    explicit RunControl(const Settings& settings);
    void countStep() { ++steps_; }
    bool stopRequested() const;
    bool checkpointDue();    // true once every run.checkpoint_minutes
    double seconds() const;  // since the start of this session

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_, lastCheckpoint_;
    double checkpointSeconds_, stopSeconds_;
    int64_t stopSteps_, steps_ = 0;
};

// Rate over the last minute or so, and a bar on the terminal: nothing is drawn where standard error is none.
class Progress {
public:
    Progress(std::string title, int64_t total);
    void show(int64_t done, const std::string& text);
    void say(const std::string& line);  // a line of its own on standard output
    ~Progress();

private:
    std::string title_;
    int64_t total_;
    bool terminal_, drawn_ = false;
    std::chrono::steady_clock::time_point last_;
};

// A stage as the loop over its steps sees it.
class SteppedStage {
public:
    virtual ~SteppedStage() = default;
    virtual void step() = 0;
    virtual void afterStep(RunControl& control, Progress& progress) = 0;  // says and logs what is due
    virtual void save() = 0;                                              // writes a checkpoint
};

// Steps until `done`, which step() counts, is `steps`. False where the run was asked to stop before; there is then a
// checkpoint to go on from. `unit`: "step" or "task".
bool runSteps(SteppedStage& stage, const int64_t& done, int64_t steps, const std::string& unit,
              const Settings& settings, RunControl& control, Progress& progress);

}  // namespace hyperpred
}  // namespace cv

#endif
