// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_HELP_COMMAND_HPP
#define HYPERPRED_TOOL_HELP_COMMAND_HPP

#include <string>
#include <vector>

#include "program_page.hpp"

namespace cv {
namespace hyperpred {

// Itself as it stands among the commands of each program.
CommandPage helpCommandPage(const std::string& program);

// `PROGRAM help [COMMAND | --man | --bash | --zsh | --fish]`, and what `--help` and `-h` as the first word do.
// Prints on stdout and returns the exit status: 2 with a line on stderr where it is asked for what there is not, 1
// where stdout cannot be written.
int runHelp(const ProgramPage& program, const std::vector<std::string>& arguments);

}  // namespace hyperpred
}  // namespace cv

#endif
