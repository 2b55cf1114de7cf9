// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_TRAINING_RUNS_HPP
#define HYPERPRED_BENCH_TRAINING_RUNS_HPP

#include <map>
#include <string>
#include <vector>

#include "protocol.hpp"

namespace cv {
namespace hyperpred {

// A row of a run's log: its columns by name; a column without a value in that row is absent.
using LogRow = std::map<std::string, double>;
// Throws with the file and the line.
std::vector<LogRow> readLog(const std::string& path);

// The runs of one architecture, below FOLDER. A run that is finished is taken as it is; one that was interrupted goes
// on from its checkpoint; one that was finished with another configuration is refused, never mixed. The program that
// trains is hyperpred_train.
class TrainingRuns {
public:
    // `images`: what "train.pack" and "test.pack" in the configurations stand for: folders of classes or packed
    // already. `edge`: of the architecture's images.
    TrainingRuns(std::string trainer, std::string folder, const ArchitecturePlan& plan, int edge,
                 std::map<std::string, std::string> images);

    // The model file of a run, trained now where it is not yet.
    std::string model(const std::string& run);
    std::vector<LogRow> log(const std::string& run);
    // What it was trained with, resolved: JSON.
    std::string configuration(const std::string& run) const;

private:
    const TrainingStep& step(const std::string& run) const;
    void finish(const std::string& run);
    std::string packed(const std::string& name) const;

    std::string trainer_, folder_;
    ArchitecturePlan plan_;
    int edge_;
    std::map<std::string, std::string> images_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
