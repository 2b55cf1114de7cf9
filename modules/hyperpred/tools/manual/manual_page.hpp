// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_MANUAL_PAGE_HPP
#define HYPERPRED_TOOL_MANUAL_PAGE_HPP

#include <ctime>
#include <string>

#include "program_page.hpp"

namespace cv {
namespace hyperpred {

// The program's page of the manual's section 1, in man(7)'s macros. `day`: the date at its foot.
std::string manualPage(const ProgramPage& program, std::time_t day);

}  // namespace hyperpred
}  // namespace cv

#endif
