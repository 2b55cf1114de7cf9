// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_HEALTH_HPP
#define HYPERPRED_TOOL_HEALTH_HPP

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// One line of what `hyperpred doctor` found. A note is no failure: it says what this machine does without.
struct Finding {
    enum class State { Ok, Note, Failed };
    State state = State::Ok;
    std::string subject;          // "model"
    std::string sentence;         // what was found; where it failed, what is wrong
    nlohmann::ordered_json data;  // the same for programs, an object
};

// Every check in order: versions, processor, threads, GPU, data folder, each architecture and model (read in full,
// checksums included), temporary folder, self-test. None stops another; the self-test wants a whole model.
std::vector<Finding> examineInstallation();

}  // namespace hyperpred
}  // namespace cv

#endif
