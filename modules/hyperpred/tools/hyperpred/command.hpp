// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_COMMAND_HPP
#define HYPERPRED_TOOL_COMMAND_HPP

#include <boost/program_options.hpp>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "program_page.hpp"

namespace cv {
namespace hyperpred {

// A wrong use of the command line: the tool prints the sentence and exits with 2.
struct WrongUse : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What a run could not do although it was asked rightly: exit 1.
struct CannotDo : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The commands; each gets what follows its name and returns the exit status.
int runPredict(const std::vector<std::string>& arguments);
int runEvaluate(const std::vector<std::string>& arguments);
int runClassify(const std::vector<std::string>& arguments);
int runUpdate(const std::vector<std::string>& arguments);
int runInfo(const std::vector<std::string>& arguments);
int runDoctor(const std::vector<std::string>& arguments);

// What a command's --help tells, as data for manual and completion; name and summary are the caller's. `run` starts the
// command, with any arguments; it ends where it makes its Arguments.
CommandPage describeCommand(const std::function<void()>& run);

// Options of one command with their values. `positional` names the arguments without a dash, in order; a name that
// ends in "..." takes the rest, one that ends in "?" may be missing. `--help` prints `usage` and the options and makes
// `helped()` true. How a description is worded decides what a shell completes: choicesIn and valueIn
// (program_page.hpp), unless the option has a value_name.
class Arguments {
public:
    Arguments(const std::string& usage, const boost::program_options::options_description& visible,
              const std::vector<std::string>& positional, const std::vector<std::string>& arguments);

    bool helped() const;
    bool has(const std::string& name) const;
    bool given(const std::string& name) const;  // on the command line, not by default
    template <typename T>
    const T& get(const std::string& name) const {
        return values_[name].as<T>();
    }
    const std::vector<std::string>& rest(const std::string& name) const;

private:
    boost::program_options::variables_map values_;
    bool helped_ = false;
};

// The option "threads" for OpenCV; 0 leaves it all cores. Throws WrongUse below 0.
void useThreads(const Arguments& arguments);

}  // namespace hyperpred
}  // namespace cv

#endif
