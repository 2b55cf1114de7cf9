// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "spool.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "error.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

static_assert(sizeof(off_t) == 8, "a spool may be longer than 2 GiB");

[[noreturn]] void failOnDisk(const std::string& what, int error) {
    fail(Failure::NoMemory, "temporary file in " + quotedPath(Spool::folder()) + ": " + what + " (" +
                                std::generic_category().message(error) +
                                "); TMPDIR names a folder with more room");
}

// The name is removed at once: whatever ends the process, the system frees the space.
int openUnnamed() {
    std::string pattern = Spool::folder() + "/hyperpred_XXXXXX";
    const int descriptor = ::mkostemp(&pattern[0], O_CLOEXEC);
    if (descriptor < 0) failOnDisk("cannot be created", errno);
    ::unlink(pattern.c_str());
    return descriptor;
}

void writeAt(int descriptor, const uint8_t* bytes, size_t size, size_t offset) {
    for (size_t done = 0; done < size;) {
        const ssize_t put = ::pwrite(descriptor, bytes + done, size - done, off_t(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            failOnDisk("cannot take another " + std::to_string(size) + " bytes after " + std::to_string(offset),
                       put < 0 ? errno : ENOSPC);
        }
        done += size_t(put);
    }
}

void readAt(int descriptor, uint8_t* bytes, size_t size, size_t offset) {
    for (size_t done = 0; done < size;) {
        const ssize_t got = ::pread(descriptor, bytes + done, size - done, off_t(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            failOnDisk("cannot be read at byte " + std::to_string(offset + done), got < 0 ? errno : EIO);
        }
        done += size_t(got);
    }
}

}  // namespace

std::string Spool::folder() {
    const char* folder = std::getenv("TMPDIR");
    return folder != nullptr && folder[0] != '\0' ? folder : "/tmp";
}

Spool::Spool(size_t recordSize, size_t memoryBudget)
    : recordSize_(recordSize), memoryRecords_(recordSize > 0 ? memoryBudget / recordSize : 0) {
    if (recordSize == 0) fail(Failure::Internal, "spool of records of 0 bytes");
}

Spool::~Spool() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

size_t Spool::recordSize() const {
    return recordSize_;
}

size_t Spool::count() const {
    return count_;
}

void Spool::append(const void* record) {
    const auto* bytes = static_cast<const uint8_t*>(record);
    if (count_ < memoryRecords_) {
        // Doubling, but never past the budget.
        const size_t needed = (count_ + 1) * recordSize_;
        if (needed > memory_.capacity()) {
            memory_.reserve(std::min(std::max(needed, 2 * memory_.capacity()), memoryRecords_ * recordSize_));
        }
        memory_.insert(memory_.end(), bytes, bytes + recordSize_);
    } else {
        if (descriptor_ < 0) descriptor_ = openUnnamed();
        writeAt(descriptor_, bytes, recordSize_, (count_ - memoryRecords_) * recordSize_);
    }
    ++count_;
}

void Spool::read(size_t index, void* record) const {
    if (index >= count_) {
        fail(Failure::Internal, "spool: record " + std::to_string(index) + " of " + std::to_string(count_));
    }
    auto* bytes = static_cast<uint8_t*>(record);
    if (index < memoryRecords_) {
        std::memcpy(bytes, memory_.data() + index * recordSize_, recordSize_);
    } else {
        readAt(descriptor_, bytes, recordSize_, (index - memoryRecords_) * recordSize_);
    }
}

void Spool::truncate(size_t count) {
    if (count >= count_) return;
    count_ = count;
    memory_.resize(std::min(count, memoryRecords_) * recordSize_);
    // The file is only shortened to give its space back; records past the end are overwritten by the next append.
    if (descriptor_ >= 0) {
        const size_t left = count > memoryRecords_ ? count - memoryRecords_ : 0;
        if (::ftruncate(descriptor_, off_t(left * recordSize_)) != 0) failOnDisk("cannot be shortened", errno);
    }
}

}  // namespace hyperpred
}  // namespace cv
