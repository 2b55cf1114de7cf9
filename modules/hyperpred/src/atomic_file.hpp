// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ATOMIC_FILE_HPP
#define HYPERPRED_ATOMIC_FILE_HPP

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Calls `write` with a stream to a temporary file in the folder of `path`, checks every byte reached the disk, and
// renames it to `path`. On any failure the temporary file is removed, an existing `path` is left as it was, and
// Failure::BadFile (NoMemory where the disk is full or broken) names the path and the system's reason.
void writeAtomically(const std::string& path, const std::function<void(std::ostream&)>& write);

struct FileToWrite {
    std::string path;
    std::function<void(std::ostream&)> write;
};
// Files that belong together: every byte of all of them is on the disk before the first is renamed, so a full disk or a
// refused folder leaves every old file as it was. Only a power cut or a kill between two renames leaves a mixture: the
// first files new, the others old.
void writeTogether(const std::vector<FileToWrite>& files);

}  // namespace hyperpred
}  // namespace cv

#endif
