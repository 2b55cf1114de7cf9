// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_SHELL_COMPLETION_HPP
#define HYPERPRED_TOOL_SHELL_COMPLETION_HPP

#include <string>

#include "program_page.hpp"

namespace cv {
namespace hyperpred {

// Scripts that complete commands, options, their values and files. They hold the lists, so that a key press starts no
// program. bash needs no package beside it; zsh wants the script as _PROGRAM in a folder of fpath.
std::string bashCompletion(const ProgramPage& program);
std::string zshCompletion(const ProgramPage& program);
std::string fishCompletion(const ProgramPage& program);

}  // namespace hyperpred
}  // namespace cv

#endif
