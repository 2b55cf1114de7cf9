// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ERROR_HPP
#define HYPERPRED_ERROR_HPP

#include <string>

namespace cv {
namespace hyperpred {

// Where in OpenCV's list of error codes a failure belongs.
enum class Failure { BadArgument, BadFile, OutOfRange, NotFound, Unsupported, NoMemory, Internal };

// Throws cv::Exception in the module. The trainer is built without OpenCV (it must run on a bare GPU machine) and
// throws std::runtime_error with the same sentence instead. `sentence` names what was wrong, where, and what would
// be right.
[[noreturn]] void fail(Failure kind, const std::string& sentence);

}  // namespace hyperpred
}  // namespace cv

#endif
