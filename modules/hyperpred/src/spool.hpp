// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SPOOL_HPP
#define HYPERPRED_SPOOL_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Records of one fixed size, appended and read back by index. The first `memoryBudget` bytes stay in memory, the rest
// goes to an unnamed temporary file, so that a support set of any size needs bounded memory. Not thread-safe.
class Spool {
public:
    Spool(size_t recordSize, size_t memoryBudget);
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    static std::string folder();  // of the temporary file: TMPDIR, or /tmp

    size_t recordSize() const;
    size_t count() const;
    void append(const void* record);              // Failure::NoMemory, naming the folder, when the disk is full
    void read(size_t index, void* record) const;
    void truncate(size_t count);                  // forgets the records from `count` on

private:
    size_t recordSize_, memoryRecords_, count_ = 0;
    std::vector<uint8_t> memory_;
    int descriptor_ = -1;
};

}  // namespace hyperpred
}  // namespace cv

#endif
