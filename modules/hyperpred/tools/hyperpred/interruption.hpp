// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_INTERRUPTION_HPP
#define HYPERPRED_TOOL_INTERRUPTION_HPP

namespace cv {
namespace hyperpred {

// From now on SIGINT and SIGTERM are only noted, so that no temporary file stays behind.
void noteInterruption();
bool interrupted();
// Throws CannotDo where a signal came.
void stopIfInterrupted();

}  // namespace hyperpred
}  // namespace cv

#endif
