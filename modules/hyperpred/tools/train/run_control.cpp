// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "run_control.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace cv {
namespace hyperpred {

namespace {

volatile std::sig_atomic_t signalCaught = 0;

// The second signal ends the program at once, in case a step takes long.
void onSignal(int number) {
    if (signalCaught != 0) {
        std::signal(number, SIG_DFL);
        std::raise(number);
    }
    signalCaught = 1;
}

double secondsBetween(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

}  // namespace

RunControl::RunControl(const Settings& settings)
    : start_(Clock::now()),
      lastCheckpoint_(start_),
      checkpointSeconds_(60 * settings.number("run.checkpoint_minutes")),
      stopSeconds_(60 * settings.number("run.stop_after_minutes")),
      stopSteps_(settings.integer("run.stop_after_steps")) {
    signalCaught = 0;
    std::signal(SIGINT, onSignal);
    std::signal(SIGTERM, onSignal);
}

bool RunControl::stopRequested() const {
    return signalCaught != 0 || (stopSeconds_ > 0 && seconds() >= stopSeconds_) ||
           (stopSteps_ > 0 && steps_ >= stopSteps_);
}

bool RunControl::checkpointDue() {
    const Clock::time_point now = Clock::now();
    if (secondsBetween(lastCheckpoint_, now) < checkpointSeconds_) return false;
    lastCheckpoint_ = now;
    return true;
}

double RunControl::seconds() const {
    return secondsBetween(start_, Clock::now());
}

Progress::Progress(std::string title, int64_t total)
    : title_(std::move(title)), total_(total), terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::show(int64_t done, const std::string& text) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || (drawn_ && secondsBetween(last_, now) < 0.2)) return;
    last_ = now;
    drawn_ = true;
    const int width = 24, filled = total_ > 0 ? int(width * done / total_) : 0;
    const std::string bar = std::string(size_t(filled), '#') + std::string(size_t(width - filled), '.');
    std::fprintf(stderr, "\r%s [%s] %lld/%lld  %s\033[K", title_.c_str(), bar.c_str(), static_cast<long long>(done),
                 static_cast<long long>(total_), text.c_str());
    std::fflush(stderr);
}

void Progress::say(const std::string& line) {
    if (drawn_) std::fprintf(stderr, "\r\033[K");
    std::fflush(stderr);
    drawn_ = false;
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

Progress::~Progress() {
    if (drawn_) std::fprintf(stderr, "\n");
}

bool runSteps(SteppedStage& stage, const int64_t& done, int64_t steps, const std::string& unit,
              const Settings& settings, RunControl& control, Progress& progress) {
    while (done < steps) {
        if (control.stopRequested()) {
            stage.save();
            progress.say("stopped at " + unit + " " + std::to_string(done) + " of " + std::to_string(steps) +
                         "; `hyperpred_train resume " + settings.word("run.out") + "` goes on");
            return false;
        }
        stage.step();
        control.countStep();
        stage.afterStep(control, progress);
        progress.show(done, "");
        if (done == steps || control.checkpointDue()) stage.save();
    }
    return true;
}

}  // namespace hyperpred
}  // namespace cv
