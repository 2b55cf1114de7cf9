// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_PROTOCOL_HPP
#define HYPERPRED_BENCH_PROTOCOL_HPP

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "labelled_images.hpp"

namespace cv {
namespace hyperpred {

// One training by hyperpred_train: a stage, its configuration, and the run whose weights it starts from.
struct TrainingStep {
    std::string name, stage, config, from;
    std::map<std::string, nlohmann::json> set;  // "section.key" of the configuration: its value in this run
};

// A network trained from scratch on the unseen classes' own images: the rival. Its accuracy is read off its log after
// so many epochs, with the last weights or with their running average.
struct ScratchRival {
    std::string run, title;
    std::vector<double> epochs;
    bool averaged = false;
};

// A model file that was trained on other data than the protocol's, measured with its default head.
struct OtherModel {
    std::string title, model;
};

// A figure from elsewhere, printed below our own.
struct PublishedRow {
    std::string title, head, where;
    double top1 = 0;  // 0..1
    double seconds = 0;
    int images = 0;  // seen; 0: not said
};

// What is compared for one architecture. A model is the name of a run, or the path of a safetensors file; empty: no
// such rows.
struct ArchitecturePlan {
    std::string architecture;  // path
    std::vector<TrainingStep> runs;
    std::string predicted, fixed, pure;
    std::string ordinary;  // a fixed backbone that has not seen the data-set transforms
    std::vector<ScratchRival> scratch;
    std::vector<OtherModel> others;
    std::vector<PublishedRow> published;
};

// What `hyperpred_bench accuracy` does; files in test/bench, keys in doc/benchmarks.md.
struct Protocol {
    std::string title, name;
    std::string train, test;  // folders of classes, below --data
    ClassChoice unseen;
    int mostTest = 1 << 30;  // test images a class
    std::vector<int> imagesPerClass;
    int draws = 3;
    std::vector<int> shiftImages;  // images a class of the tables of transforms
    std::vector<ArchitecturePlan> architectures;
};

// Paths in a protocol are relative to its file. Throws with the file and the key.
Protocol loadProtocol(const std::string& path);

}  // namespace hyperpred
}  // namespace cv

#endif
