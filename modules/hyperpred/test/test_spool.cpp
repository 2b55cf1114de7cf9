// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE spool
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "spool.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using cv::hyperpred::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

// TMPDIR for one test, in a folder of its own.
struct SpoolFolder : TemporaryFolder {
    SpoolFolder() {
        const char* known = std::getenv("TMPDIR");
        before = known == nullptr ? "" : known;
        ::setenv("TMPDIR", path.c_str(), 1);
    }
    ~SpoolFolder() {
        if (before.empty()) {
            ::unsetenv("TMPDIR");
        } else {
            ::setenv("TMPDIR", before.c_str(), 1);
        }
    }
    std::string before;
};

// A file of this process cannot grow past `bytes`: what a full disk looks like, without filling one.
struct FileSizeLimit {
    explicit FileSizeLimit(size_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before);
        rlimit lowered = before;
        lowered.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &lowered);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before);
        ::signal(SIGXFSZ, SIG_DFL);
    }
    rlimit before;
};

std::vector<uint8_t> record(size_t size, size_t index) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = uint8_t(index * 31 + i * 7 + (index >> 8));
    return bytes;
}

// `salt` tells new records from those that stood in the same place before.
void fill(Spool& spool, size_t first, size_t last, size_t salt = 0) {
    for (size_t i = first; i < last; ++i) spool.append(record(spool.recordSize(), i + salt).data());
}

void checkRange(const Spool& spool, size_t first, size_t last, size_t salt = 0) {
    BOOST_TEST(spool.count() >= last);
    std::vector<uint8_t> got(spool.recordSize());
    for (size_t i = last; i-- > first;) {  // backwards: order of reading does not matter
        spool.read(i, got.data());
        BOOST_REQUIRE(got == record(spool.recordSize(), i + salt));
    }
}

void checkAll(const Spool& spool, size_t count) {
    BOOST_TEST(spool.count() == count);
    checkRange(spool, 0, count);
}

}  // namespace

BOOST_AUTO_TEST_CASE(records_come_back_from_memory_from_disk_and_from_both) {
    const SpoolFolder folder;
    for (const size_t budget : {size_t(0), size_t(36), size_t(37), size_t(37 * 50 + 5), size_t(1) << 20}) {
        BOOST_TEST_CONTEXT("budget " << budget) {
            Spool spool(37, budget);
            fill(spool, 0, 301);
            checkAll(spool, 301);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_file_has_no_name_and_is_made_only_when_needed) {
    const SpoolFolder folder;
    Spool spool(10, 100);
    fill(spool, 0, 10);
    ::setenv("TMPDIR", "/nowhere/at/all", 1);
    checkAll(spool, 10);  // nothing on disk so far
    ::setenv("TMPDIR", folder.path.c_str(), 1);
    fill(spool, 10, 20);
    BOOST_TEST(fs::is_empty(folder.path));
    checkAll(spool, 20);
}

BOOST_AUTO_TEST_CASE(truncate_forgets_and_appending_goes_on) {
    const SpoolFolder folder;
    for (const size_t left : {size_t(30), size_t(20), size_t(10), size_t(4), size_t(0)}) {
        BOOST_TEST_CONTEXT("left " << left) {
            Spool spool(9, 90);  // 10 records in memory
            fill(spool, 0, 25);
            spool.truncate(left);
            const size_t kept = std::min(left, size_t(25));
            checkAll(spool, kept);
            uint8_t ignored[9];
            BOOST_CHECK_THROW(spool.read(kept, ignored), cv::Exception);
            fill(spool, kept, 27, 100);
            BOOST_TEST(spool.count() == 27u);
            checkRange(spool, 0, kept);
            checkRange(spool, kept, 27, 100);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_missing_folder_is_named) {
    const SpoolFolder folder;
    const std::string missing = (folder.path / "missing").string();
    ::setenv("TMPDIR", missing.c_str(), 1);
    Spool spool(8, 0);
    BOOST_CHECK_EXCEPTION(spool.append(record(8, 0).data()), cv::Exception, [&](const cv::Exception& error) {
        return error.code == cv::Error::StsNoMem && error.err.find(missing) != std::string::npos;
    });
    BOOST_TEST(spool.count() == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_that_leaves_the_records) {
    const SpoolFolder folder;
    const size_t size = 1000;
    Spool spool(size, 2 * size);
    {
        const FileSizeLimit limit(5500);  // 5 records and a half
        fill(spool, 0, 7);
        BOOST_CHECK_EXCEPTION(spool.append(record(size, 7).data()), cv::Exception, [&](const cv::Exception& error) {
            return error.code == cv::Error::StsNoMem && error.err.find(folder.path.string()) != std::string::npos;
        });
        checkAll(spool, 7);
    }
    fill(spool, 7, 12);  // there is room again
    checkAll(spool, 12);
}

BOOST_AUTO_TEST_CASE(offsets_beyond_four_gib) {
    const SpoolFolder folder;
    const size_t size = size_t(1) << 30;
    if (std::getenv("HYPERPRED_BIG_TESTS") == nullptr || fs::space(folder.path).available < 6 * size) {
        BOOST_TEST_MESSAGE("skipped: set HYPERPRED_BIG_TESTS with 6 GiB free in the temporary folder");
        return;
    }
    std::vector<uint8_t> block(size);
    Spool spool(size, 0);
    for (uint8_t i = 0; i < 5; ++i) {
        block.front() = block.back() = uint8_t(i + 1);
        spool.append(block.data());
    }
    for (uint8_t i = 5; i-- > 0;) {
        spool.read(i, block.data());
        BOOST_TEST(int(block.front()) == i + 1);
        BOOST_TEST(int(block.back()) == i + 1);
    }
}

BOOST_AUTO_TEST_CASE(wrong_use) {
    BOOST_CHECK_THROW(Spool(0, 100), cv::Exception);
    const Spool empty(4, 100);
    uint8_t ignored[4];
    BOOST_CHECK_THROW(empty.read(0, ignored), cv::Exception);
}
