// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ATOMIC_FILE_HPP
#define HYPERPRED_ATOMIC_FILE_HPP

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Calls `write` with a stream to a temporary file in the folder of `path`, checks every byte reached the disk, and
// renames it to `path`. A file that is there passes its permissions on. On any failure the temporary file is removed, an
// existing `path` is left as it was, and Failure::BadFile (NoMemory where the disk is full or broken) names the path and
// the system's reason.
void writeAtomically(const std::string& path, const std::function<void(std::ostream&)>& write);

struct FileToWrite {
    std::string path;
    std::function<void(std::ostream&)> write;
};
// Files that belong together, at a path each: every byte of all of them is on the disk before the first is renamed, and
// a rename that is refused takes those before it back, so on a failure every old file is as it was. Only a power cut or a
// kill between two renames leaves a mixture: the first files new, the others old. (So does a refused rename on a file
// system that cannot exchange two files: FAT, NFS.)
void writeTogether(const std::vector<FileToWrite>& files);

// For either: writes the bytes, which must still be there then.
std::function<void(std::ostream&)> allOf(const std::vector<uint8_t>& bytes);

}  // namespace hyperpred
}  // namespace cv

#endif
