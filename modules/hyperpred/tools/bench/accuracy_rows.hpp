// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_ACCURACY_ROWS_HPP
#define HYPERPRED_BENCH_ACCURACY_ROWS_HPP

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "judge.hpp"
#include "protocol.hpp"
#include "training_runs.hpp"

namespace cv {
namespace hyperpred {

// Measures the tables of one architecture. What a table needs is trained when it is first asked for.
class AccuracyRows {
public:
    AccuracyRows(const Protocol& protocol, const ArchitecturePlan& plan, const std::string& data,
                 const std::string& work, const std::string& trainer, int threads);

    std::string architecture() const { return architecture_.name; }
    int edge() const { return architecture_.size; }
    std::string device() const { return device_; }

    // All support images: predicted, fixed and pure networks with each head, rivals trained from scratch.
    nlohmann::ordered_json plain();
    // All support images: model files that were trained on other data.
    nlohmann::ordered_json others();
    // Figures from elsewhere, as the protocol gives them.
    nlohmann::ordered_json published() const;
    // Top-1 by images a class: mean and standard deviation over draws.
    nlohmann::ordered_json draws();
    // Support and test images under each data-set transform: a table for each number of images a class, mean of draws.
    nlohmann::ordered_json shifts();

private:
    Judge& judge(const std::string& model);
    const LabelledImages& support();
    const LabelledImages& test();
    const LabelledImages& seen();
    nlohmann::ordered_json networkRow(const std::string& network, Judge& judge, Judge::Question question);
    int drawsOf(int each);
    std::vector<std::vector<double>> shiftValues(const LabelledImages& all, const NetworkWeights& kept);
    void scratchRows(nlohmann::ordered_json& rows);

    const Protocol& protocol_;
    const ArchitecturePlan& plan_;
    Architecture architecture_;
    std::string data_;
    TrainingRuns runs_;
    int threads_;
    std::string device_;
    std::map<std::string, std::unique_ptr<Judge>> judges_;
    LabelledImages support_, test_, seen_;
};

}  // namespace hyperpred
}  // namespace cv

#endif
