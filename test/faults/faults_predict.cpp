// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE faults_predict
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drawn_network.hpp"
#include "image_files.hpp"
#include "net_onnx.hpp"

// `hyperpred predict` with a fault at each of its calls of the system in turn: every one of them fails, is interrupted
// by a signal, or writes and reads less than was asked. Whatever happens, no file is half-written, nothing is left
// behind, and the exit status tells the truth. The linker leads the module's calls here (--wrap, see CMakeLists.txt);
// isatty is among them because the tool asks it at every step of its progress.

using namespace cv::hyperpred;
namespace fs = std::filesystem;

int hyperpredMain(int count, char** values);  // main of the tool

namespace {

enum class Fault { None, Fails, Interrupted, Terminated, Retried, Short };

// Of the process that runs the tool.
Fault gFault = Fault::None;
int gFaultAt = 0;  // the call, from 1
int gCalls = 0;    // so far
int gReport = -1;  // pipe to which the name of each call is written

// Whether this call is to fail with errno set. `reason`: what a full or broken disk says.
bool fails(const char* name, int reason) {
    if (gReport >= 0) dprintf(gReport, "%s ", name);
    if (++gCalls != gFaultAt) return false;
    if (gFault == Fault::Interrupted) std::raise(SIGINT);
    if (gFault == Fault::Terminated) std::raise(SIGTERM);
    errno = gFault == Fault::Retried ? EINTR : reason;
    return gFault == Fault::Fails || gFault == Fault::Retried;
}

size_t shortened(size_t size) {
    return gFault == Fault::Short && gCalls == gFaultAt ? (size + 1) / 2 : size;
}

}  // namespace

extern "C" {
int __real_open(const char* path, int flags, ...);
ssize_t __real_read(int descriptor, void* data, size_t size);
ssize_t __real_write(int descriptor, const void* data, size_t size);
int __real_close(int descriptor);
int __real_fsync(int descriptor);
int __real_rename(const char* from, const char* to);
int __real_isatty(int descriptor);

int __wrap_open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? mode_t(va_arg(more, int)) : 0;
    va_end(more);
    return fails("open", (flags & O_CREAT) != 0 ? ENOSPC : EIO) ? -1 : __real_open(path, flags, mode);
}
ssize_t __wrap_read(int descriptor, void* data, size_t size) {
    return fails("read", EIO) ? -1 : __real_read(descriptor, data, shortened(size));
}
ssize_t __wrap_write(int descriptor, const void* data, size_t size) {
    return fails("write", ENOSPC) ? -1 : __real_write(descriptor, data, shortened(size));
}
int __wrap_close(int descriptor) {  // closes in any case, as Linux does
    const bool failed = fails("close", EDQUOT);
    const int reason = errno, result = __real_close(descriptor);
    if (failed) errno = reason;
    return failed ? -1 : result;
}
int __wrap_fsync(int descriptor) {
    return fails("fsync", EIO) ? -1 : __real_fsync(descriptor);
}
int __wrap_rename(const char* from, const char* to) {
    return fails("rename", EIO) ? -1 : __real_rename(from, to);
}
int __wrap_isatty(int descriptor) {
    return fails("isatty", ENOTTY) ? 0 : __real_isatty(descriptor);
}
}

namespace {

std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// A model, images of three classes, and an output folder with an older network and report in it.
struct Workplace {
    Workplace() {
        for (int i = 0; i < 9; ++i) {
            cv::Mat image = smoothPicture(17 + i, 23);
            cv::rectangle(image, cv::Rect(3, 2, 4 + 2 * (i % 3), 9), cv::Scalar::all(80 * (i % 3)), cv::FILLED);
            folder.write("images/" + std::to_string(i % 3) + "/" + std::to_string(i) + ".png", encoded(".png", image));
        }
        test::writeDrawnModel((folder.path / "model").string(), "residual", true);
        fs::create_directories(folder.path / "tmp");
        reset();
    }
    void reset() const {
        fs::remove_all(folder.path / "out");
        folder.write("out/net.onnx", std::string("older network"));
        folder.write("out/report.json", std::string("older report"));
    }
    fs::path out(const std::string& name) const { return folder.path / "out" / name; }
    ImageFolder folder;
};

struct Outcome {
    int status = -1;  // exit status, or minus the number of the signal that ended it
    std::string said;
    std::vector<std::string> calls;
};

// Runs the tool in a process of its own: flags of signal handlers and OpenCV's threads are then new each time.
Outcome runTool(const Workplace& work, Fault fault, int at) {
    const std::string said = (work.folder.path / "said").string(), calls = (work.folder.path / "calls").string();
    std::vector<std::string> words = {"hyperpred",
                                      "predict",
                                      (work.folder.path / "images").string(),
                                      "--model",
                                      (work.folder.path / "model").string(),
                                      "--out",
                                      work.out("net.onnx").string(),
                                      "--report",
                                      work.out("report.json").string(),
                                      "--threads",
                                      "1"};
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<char*> values;
        for (std::string& word : words) values.push_back(&word[0]);
        if (std::freopen(said.c_str(), "w", stderr) == nullptr) ::_exit(90);
        if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(91);
        for (const int number : {SIGINT, SIGTERM, SIGABRT, SIGSEGV}) std::signal(number, SIG_DFL);  // not Boost's
        ::setenv("TMPDIR", (work.folder.path / "tmp").c_str(), 1);
        gReport = __real_open(calls.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        gFault = fault;
        gFaultAt = at;
        gCalls = 0;
        const int status = hyperpredMain(int(values.size()), values.data());
        std::fflush(nullptr);
        ::_exit(status);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    Outcome outcome;
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    outcome.said = contents(said);
    std::ifstream in(calls);
    outcome.calls.assign(std::istream_iterator<std::string>(in), std::istream_iterator<std::string>());
    return outcome;
}

// Nothing half-written and nothing left behind; returns which of the two files are new.
std::pair<bool, bool> checkFiles(const Workplace& work) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(work.folder.path / "out")) {
        names.insert(entry.path().filename().string());
    }
    BOOST_TEST((names == std::set<std::string>{"net.onnx", "report.json"}));
    BOOST_TEST(fs::is_empty(work.folder.path / "tmp"));
    const std::string net = contents(work.out("net.onnx")), report = contents(work.out("report.json"));
    const bool newNet = net != "older network", newReport = report != "older report";
    if (newNet) {  // throws where the checksum is wrong
        BOOST_TEST(readOnnxMetadata(std::vector<uint8_t>(net.begin(), net.end()), "net").count("hyperpred.report") ==
                   1u);
    }
    if (newReport) BOOST_TEST(nlohmann::json::parse(report).contains("expected_accuracy"));
    return {newNet, newReport};
}

bool oneLine(const std::string& text) {
    return !text.empty() && text.find('\n') == text.size() - 1;
}

// Runs with the fault at every call, or at each of a kind ("" for all); `check` judges an outcome and what is new.
template <class Check>
void atEveryCall(const Workplace& work, Fault fault, const std::set<std::string>& kinds, int step, const Check& check) {
    work.reset();
    const std::vector<std::string> calls = runTool(work, Fault::None, 0).calls;
    int tried = 0;
    for (size_t k = 0; k < calls.size(); k += size_t(step)) {
        if (!kinds.empty() && kinds.count(calls[k]) == 0) continue;
        work.reset();
        const Outcome outcome = runTool(work, fault, int(k) + 1);
        BOOST_TEST_CONTEXT("call " << k + 1 << " of " << calls.size() << ", " << calls[k] << ": status "
                                   << outcome.status << ", said: " << outcome.said) {
            check(outcome, checkFiles(work));
        }
        ++tried;
    }
    BOOST_TEST(tried > 0);
    BOOST_TEST_MESSAGE(tried << " of " << calls.size() << " calls");
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(without_a_fault_both_files_are_written, Workplace) {
    const Outcome outcome = runTool(*this, Fault::None, 0);
    BOOST_TEST(outcome.status == 0);
    BOOST_TEST(outcome.said == "");
    BOOST_TEST((checkFiles(*this) == std::make_pair(true, true)));
    // The list of calls is what the other tests go through.
    for (const char* call : {"open", "read", "write", "close", "fsync", "rename", "isatty"}) {
        BOOST_TEST(std::count(outcome.calls.begin(), outcome.calls.end(), call) > 0);
    }
}

BOOST_FIXTURE_TEST_CASE(any_call_may_fail, Workplace) {
    atEveryCall(*this, Fault::Fails, {}, 1, [](const Outcome& outcome, std::pair<bool, bool> fresh) {
        BOOST_TEST((outcome.status >= 0 && outcome.status <= 2));
        BOOST_TEST((outcome.status == 0) == (fresh.first && fresh.second));
        if (outcome.status != 0) BOOST_TEST(!fresh.second);  // the report comes last
        if (outcome.status != 0) BOOST_TEST(oneLine(outcome.said));
    });
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_is_no_wrong_use, Workplace) {
    int refused = 0;
    atEveryCall(*this, Fault::Fails, {"write", "rename"}, 1, [&](const Outcome& outcome, std::pair<bool, bool>) {
        BOOST_TEST(outcome.status == 1);
        const bool named = outcome.said.find("net.onnx\": cannot be written: ") != std::string::npos ||
                           outcome.said.find("report.json\": cannot be written: ") != std::string::npos;
        BOOST_TEST(named);
        ++refused;
    });
    BOOST_TEST(refused >= 4);
}

BOOST_FIXTURE_TEST_CASE(an_interrupt_at_every_stage, Workplace) {
    for (const Fault fault : {Fault::Interrupted, Fault::Terminated}) {
        const int number = fault == Fault::Interrupted ? SIGINT : SIGTERM;
        int stopped = 0, finished = 0;
        atEveryCall(*this, fault, {}, fault == Fault::Interrupted ? 1 : 5,
                    [&](const Outcome& outcome, std::pair<bool, bool> fresh) {
                        if (outcome.status == 0) {  // it came when the files were on their way: both are whole
                            ++finished;
                            BOOST_TEST((fresh.first && fresh.second));
                            return;
                        }
                        ++stopped;
                        BOOST_TEST((!fresh.first && !fresh.second));
                        if (outcome.status == -number) return;  // before there was anything to clean up
                        BOOST_TEST(outcome.status == 1);
                        BOOST_TEST(outcome.said == "hyperpred predict: interrupted; nothing was written\n");
                    });
        BOOST_TEST(stopped > finished);
        BOOST_TEST(finished > 0);
    }
}

BOOST_FIXTURE_TEST_CASE(calls_that_do_less_are_repeated, Workplace) {
    runTool(*this, Fault::None, 0);
    const std::string expected = contents(out("net.onnx"));
    for (const Fault fault : {Fault::Short, Fault::Retried}) {
        atEveryCall(*this, fault, {"read", "write"}, 1, [&](const Outcome& outcome, std::pair<bool, bool> fresh) {
            BOOST_TEST(outcome.status == 0);
            BOOST_TEST(outcome.said == "");
            BOOST_TEST((fresh.first && fresh.second));
            BOOST_TEST((contents(out("net.onnx")) == expected));
        });
    }
}
