// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <ostream>
#include <streambuf>
#include <vector>

#include "error.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

namespace {

// A file descriptor as a stream buffer that keeps the system's first error number: std::ofstream forgets it.
class DescriptorBuffer : public std::streambuf {
public:
    explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor), buffer_(size_t(1) << 16) {
        setp(buffer_.data(), buffer_.data() + buffer_.size());
    }
    int error() const { return error_; }

protected:
    int_type overflow(int_type c) override {
        if (!drain()) return traits_type::eof();
        if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
        *pptr() = traits_type::to_char_type(c);
        pbump(1);
        return c;
    }

    std::streamsize xsputn(const char* data, std::streamsize size) override {
        if (size < epptr() - pptr()) {
            std::memcpy(pptr(), data, size_t(size));
            pbump(int(size));
            return size;
        }
        return drain() && put(data, size_t(size)) ? size : 0;
    }

    int sync() override { return drain() ? 0 : -1; }

private:
    bool drain() {
        const bool written = put(pbase(), size_t(pptr() - pbase()));
        setp(buffer_.data(), buffer_.data() + buffer_.size());
        return written;
    }

    bool put(const char* data, size_t size) {
        while (size > 0 && error_ == 0) {
            const ssize_t written = ::write(descriptor_, data, size);
            if (written < 0 && errno != EINTR) error_ = errno;
            if (written > 0) {
                data += written;
                size -= size_t(written);
            }
        }
        return error_ == 0;
    }

    int descriptor_;
    int error_ = 0;
    std::vector<char> buffer_;
};

[[noreturn]] void failWriting(const std::string& path, const std::string& reason, Failure kind = Failure::BadFile) {
    fail(kind, quotedPath(path) + ": cannot be written: " + reason);
}

// By the system's error number. A disk that is full or broken is no fault of the caller's.
[[noreturn]] void failWriting(const std::string& path, int error) {
    const bool disk = error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO;
    failWriting(path, std::strerror(error), disk ? Failure::NoMemory : Failure::BadFile);
}

// Owns the temporary file for `path` until it is renamed; `target` is the file to replace.
class TemporaryFile {
public:
    TemporaryFile(const std::string& path, const std::string& target)
        : path_(path), target_(target), folder_(target.substr(0, target.rfind('/') + 1)) {
        struct stat old;
        const bool there = ::stat(target.c_str(), &old) == 0;
        const mode_t mode = there ? old.st_mode & 0777 : 0666;
        static std::atomic<unsigned> counter{0};
        for (int attempt = 0; attempt < 1000; ++attempt) {
            name_ = folder_ + ".hyperpred-" + std::to_string(::getpid()) + "-" + std::to_string(++counter) + ".tmp";
            descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
            if (descriptor_ >= 0 || errno != EEXIST) break;
        }
        if (descriptor_ < 0) failWriting(path, errno);
        if (there) ::fchmod(descriptor_, mode);  // what the umask took; a file system without modes has none to keep
    }
    ~TemporaryFile() {
        if (descriptor_ >= 0) ::close(descriptor_);
        if (!name_.empty()) ::unlink(name_.c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    int descriptor() const { return descriptor_; }

    // Full disks and lost servers may show only when the bytes are pushed out: sync and close are checked too.
    void finish() {
        if (::fsync(descriptor_) != 0) failWriting(path_, errno);
        const int descriptor = descriptor_;
        descriptor_ = -1;
        if (::close(descriptor) != 0) failWriting(path_, errno);
    }

    // `kept`: the old file stays on the disk, under the temporary name, so that takeBack() can undo this.
    void moveToTarget(bool kept) {
        struct stat status;
        const bool there = ::lstat(target_.c_str(), &status) == 0;
        if (kept && there && S_ISREG(status.st_mode) &&
            ::renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0) {
            old_ = Old::Kept;
        } else {
            old_ = there ? Old::Lost : Old::None;
            if (std::rename(name_.c_str(), target_.c_str()) != 0) failWriting(path_, errno);
            name_.clear();
        }
        syncFolder();
    }

    // As far as it can be done: it is called when there is an error to report already.
    void takeBack() {
        if (old_ == Old::None) ::unlink(target_.c_str());
        if (old_ == Old::Kept && std::rename(name_.c_str(), target_.c_str()) == 0) name_.clear();
        syncFolder();
    }

private:
    // The new name itself survives a power cut only when its folder is synced. Some file systems refuse this; the file
    // is complete either way, so a failure here is none of the caller's.
    void syncFolder() const {
        const int descriptor = ::open(folder_.empty() ? "." : folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0) return;
        ::fsync(descriptor);
        ::close(descriptor);
    }

    std::string path_, target_;
    std::string folder_;  // with its slash, or empty
    std::string name_;
    int descriptor_ = -1;
    enum class Old { None, Kept, Lost } old_ = Old::Lost;  // what stood at the target, after moveToTarget()
};

// The file to replace: where `path` is a link to a file, that file, so that the link stays one. Folders and devices
// are refused, since a rename would put a file in their place.
std::string replacedFile(const std::string& path) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) return path;
    if (S_ISDIR(status.st_mode)) failWriting(path, EISDIR);
    if (!S_ISREG(status.st_mode)) failWriting(path, "it is not a regular file");
    char resolved[PATH_MAX];
    return ::realpath(path.c_str(), resolved) != nullptr ? std::string(resolved) : path;
}

// The whole file, on disk under its temporary name.
std::unique_ptr<TemporaryFile> written(const FileToWrite& file) {
    if (file.path.empty() || file.path.back() == '/') failWriting(file.path, "it names no file");
    auto temporary = std::make_unique<TemporaryFile>(file.path, replacedFile(file.path));
    DescriptorBuffer buffer(temporary->descriptor());
    std::ostream stream(&buffer);
    file.write(stream);
    stream.flush();
    if (!stream.good()) {
        if (buffer.error() != 0) failWriting(file.path, buffer.error());
        failWriting(file.path, "its contents could not be made");
    }
    temporary->finish();
    return temporary;
}

// However they are spelled.
void refuseSamePaths(const std::vector<FileToWrite>& files) {
    std::vector<std::filesystem::path> places;
    for (const FileToWrite& file : files) {
        std::error_code ignored;  // then it is empty, and writing will say what is wrong
        const auto place = std::filesystem::weakly_canonical(file.path, ignored);
        if (!place.empty() && std::find(places.begin(), places.end(), place) != places.end()) {
            failWriting(file.path, "it is given for two files, which need a path each", Failure::BadArgument);
        }
        places.push_back(place);
    }
}

}  // namespace

void writeAtomically(const std::string& path, const std::function<void(std::ostream&)>& write) {
    writeTogether({{path, write}});
}

void writeTogether(const std::vector<FileToWrite>& files) {
    refuseSamePaths(files);
    std::vector<std::unique_ptr<TemporaryFile>> temporaries;
    for (const FileToWrite& file : files) temporaries.push_back(written(file));
    size_t moved = 0;
    try {
        for (; moved < temporaries.size(); ++moved) temporaries[moved]->moveToTarget(moved + 1 < temporaries.size());
    } catch (...) {
        while (moved-- > 0) temporaries[moved]->takeBack();
        throw;
    }
}

std::function<void(std::ostream&)> allOf(const std::vector<uint8_t>& bytes) {
    return [&bytes](std::ostream& out) {
        out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    };
}

}  // namespace hyperpred
}  // namespace cv
