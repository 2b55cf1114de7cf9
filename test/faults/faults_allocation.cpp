// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE faults_allocation
#include <boost/test/unit_test.hpp>

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <opencv2/hyperpred.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "drawn_network.hpp"
#include "image_files.hpp"

// A small prediction, from the model file to the written network, that runs out of memory at every place where it asks
// for some. A place is a call stack: the first allocation of each stack fails once. cv::Exception or std::bad_alloc
// must come out, nothing may stay allocated, and no file may be half-written.
//
// nlohmann_json 3.11 does not survive a failure of its own allocations: its destructor frees an object by way of a list
// that it allocates, which ends the process, and operator[] leaves an object without its value, which the destructor
// then follows. Nothing can be done about that here. Its allocations do not fail, as far as they can be told from those
// of the functions that the compiler put it into; for the rest each failure happens in a process of its own, which may
// die in the library's code and nowhere else.

using namespace cv::hyperpred;
namespace fs = std::filesystem;

namespace {

// A function of this program: addresses (begin, end] of its code, and whose it is.
enum class Owner { Other, Module, Json };
struct Code {
    size_t begin = 0, end = 0;
    Owner owner = Owner::Other;
};

// Of the armed thread alone.
struct Watch {
    std::thread::id thread;
    bool armed = false, recording = false, busy = false;
    long count = 0, failAt = 0;  // allocations so far; the one that fails, from 1
    long live = 0;               // allocated and not freed, all threads
    std::set<size_t>* stacks = nullptr;
    std::vector<long>* firsts = nullptr;  // the first allocation of each stack
    std::vector<Code>* codes = nullptr;   // sorted by address
} gWatch;

const int kFrames = 40, kCompared = 12;

struct Stack {
    void* frames[kFrames];
    int count = 0;

    Stack() { count = ::backtrace(frames, kFrames); }

    // Two stacks are equal when their innermost frames are: who asked, and on whose behalf.
    size_t hash() const {
        size_t value = 0;
        for (int i = 0; i < std::min(count, kCompared); ++i) value = (value ^ size_t(frames[i])) * 0x100000001b3ULL;
        return value;
    }

    // Whose is the innermost function that is the module's or nlohmann_json's.
    Owner owner(const std::vector<Code>& codes) const {
        for (int i = 0; i < count; ++i) {
            const auto before = [](const Code& code, size_t address) { return code.end < address; };
            const auto at = std::lower_bound(codes.begin(), codes.end(), size_t(frames[i]), before);
            if (at == codes.end() || size_t(frames[i]) <= at->begin || at->owner == Owner::Other) continue;
            return at->owner;
        }
        return Owner::Other;
    }
};

// From the program's table of symbols: most functions have no name that dladdr could tell.
std::vector<Code> codesOfProgram() {
    Dl_info program;
    BOOST_REQUIRE(::dladdr(reinterpret_cast<void*>(&codesOfProgram), &program) != 0);
    const std::string command = "nm -n /proc/" + std::to_string(::getpid()) + "/exe";
    FILE* pipe = ::popen(command.c_str(), "r");
    BOOST_REQUIRE(pipe != nullptr);
    std::vector<Code> codes;
    std::vector<char> line(1 << 16);
    while (std::fgets(line.data(), int(line.size()), pipe) != nullptr) {
        Code code;
        code.begin = size_t(program.dli_fbase) + std::strtoul(line.data(), nullptr, 16);
        if (!codes.empty()) codes.back().end = code.begin;
        const bool module =
            std::strstr(line.data(), " _ZN2cv9hyperpred") || std::strstr(line.data(), " _ZNK2cv9hyperpred");
        const bool json = !module && std::strstr(line.data(), "8nlohmann") != nullptr;
        code.owner = module ? Owner::Module : json ? Owner::Json : Owner::Other;
        codes.push_back(code);
    }
    ::pclose(pipe);
    BOOST_TEST(codes.size() > 100u);
    return codes;
}

bool refused() {
    if (!gWatch.armed || gWatch.busy || std::this_thread::get_id() != gWatch.thread) return false;
    ++gWatch.count;
    if (gWatch.recording) {
        gWatch.busy = true;  // the set and backtrace allocate themselves
        const Stack stack;
        const bool fresh = gWatch.stacks->insert(stack.hash()).second;
        if (fresh && stack.owner(*gWatch.codes) != Owner::Json) gWatch.firsts->push_back(gWatch.count);
        gWatch.busy = false;
    }
    return gWatch.count == gWatch.failAt;
}

void* allocate(size_t size, size_t alignment) {
    if (refused()) return nullptr;
    size = (size + alignment - 1) / alignment * alignment;
    void* memory =
        alignment <= alignof(std::max_align_t) ? std::malloc(size > 0 ? size : 1) : std::aligned_alloc(alignment, size);
    if (memory != nullptr && !gWatch.busy) __atomic_add_fetch(&gWatch.live, 1, __ATOMIC_RELAXED);
    return memory;
}

void* allocateOrThrow(size_t size, size_t alignment = alignof(std::max_align_t)) {
    void* memory = allocate(size, alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void release(void* memory) {
    if (memory != nullptr && !gWatch.busy) __atomic_sub_fetch(&gWatch.live, 1, __ATOMIC_RELAXED);
    std::free(memory);
}

}  // namespace

void* operator new(size_t size) {
    return allocateOrThrow(size);
}
void* operator new[](size_t size) {
    return allocateOrThrow(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
    return allocateOrThrow(size, size_t(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
    return allocateOrThrow(size, size_t(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
    return allocate(size, alignof(std::max_align_t));
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
    return allocate(size, alignof(std::max_align_t));
}
void operator delete(void* memory) noexcept {
    release(memory);
}
void operator delete[](void* memory) noexcept {
    release(memory);
}
void operator delete(void* memory, size_t) noexcept {
    release(memory);
}
void operator delete[](void* memory, size_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    release(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
    release(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
    release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    release(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    release(memory);
}

namespace {

// Arms the watch for one call; allocation `failAt` of it fails, none where 0.
enum class End { Done, Refused, Other };
End watched(const std::function<void()>& call, long failAt) {
    End end = End::Done;
    gWatch.thread = std::this_thread::get_id();
    gWatch.count = 0;
    gWatch.failAt = failAt;
    gWatch.armed = true;
    try {
        call();
    } catch (const cv::Exception&) {
        end = End::Refused;
    } catch (const std::bad_alloc&) {
        end = End::Refused;
    } catch (...) {
        end = End::Other;
    }
    gWatch.armed = false;
    return end;
}

std::vector<long> firstOfEachStack(const std::function<void()>& call) {
    std::set<size_t> stacks;
    std::vector<long> firsts;
    gWatch.stacks = &stacks;
    gWatch.firsts = &firsts;
    gWatch.recording = true;
    BOOST_REQUIRE(watched(call, 0) == End::Done);
    gWatch.recording = false;
    return firsts;
}

enum Outcome { Right, Refused, Leak, WrongException, WrongState, DiedInJson, Died };

void onDeath(int) {
    gWatch.armed = false;
    ::_exit(Stack().owner(*gWatch.codes) == Owner::Json ? DiedInJson : Died);
}

// In a process of its own.
Outcome apart(const std::function<Outcome()>& call) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        for (const int number : {SIGSEGV, SIGABRT, SIGBUS}) std::signal(number, onDeath);
        if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(Died);  // what std::terminate says
        ::_exit(call());
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? Outcome(WEXITSTATUS(status)) : Died;
}

struct Small {
    Small() : codes(codesOfProgram()) {
        gWatch.codes = &codes;
        test::writeDrawnModel((folder.path / "model").string(), "residual", true);
        for (int i = 0; i < 6; ++i) {
            images.push_back(smoothPicture(9 + i, 33 - i));
            images.back().colRange(0, 3 + 5 * (i % 2)).setTo(cv::Scalar(200, 30 * i, 10));
            labels.push_back(i % 2);
        }
    }
    std::vector<Code> codes;
    ImageFolder folder;
    std::vector<cv::Mat> images;
    std::vector<int> labels;
};

std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_prediction_that_runs_out_of_memory, Small) {
    cv::setNumThreads(1);
    const std::string model = (folder.path / "model").string();
    const fs::path out = folder.path / "out";
    const std::string target = (out / "net.onnx").string();
    folder.write("out/net.onnx", std::string("older"));
    const auto run = [&] {
        const auto predictor = HyperPredictor::create(model, "cpu", 1);
        predictor->add(images, labels);
        PredictOptions options;
        options.sampleSize = 4;  // so that sample and rest both run
        const auto prediction = predictor->predict(options);
        prediction->report();
        prediction->suspects();
        prediction->writeONNX(target);
    };
    for (int warm = 0; warm < 2; ++warm) BOOST_REQUIRE(watched(run, 0) == End::Done);  // what OpenCV makes once
    const std::string expected = contents(target);
    const std::vector<long> places = firstOfEachStack(run);
    BOOST_TEST(places.size() > 100u);
    size_t died = 0;
    for (const long place : places) {
        const Outcome outcome = apart([&] {
            folder.write("out/net.onnx", std::string("older"));
            const long before = gWatch.live;
            const End end = watched(run, place);
            if (gWatch.live != before) return Leak;
            if (end == End::Other) return WrongException;
            // std::stable_sort does with less.
            const bool whole = contents(target) == (end == End::Done ? expected : "older");
            const bool alone = std::distance(fs::directory_iterator(out), fs::directory_iterator()) == 1;
            return whole && alone ? Right : WrongState;
        });
        BOOST_TEST_CONTEXT("allocation " << place) {
            BOOST_TEST(int(outcome) == int(outcome == DiedInJson ? DiedInJson : Right));
        }
        died += outcome == DiedInJson ? 1 : 0;
    }
    BOOST_TEST(died < places.size() / 10);
    BOOST_TEST_MESSAGE(places.size() << " places of " << gWatch.count << " allocations, " << died << " deaths in JSON");
}

BOOST_FIXTURE_TEST_CASE(a_predictor_is_whole_after_each_refusal, Small) {
    cv::setNumThreads(1);
    const auto predictor = HyperPredictor::create((folder.path / "model").string(), "cpu", 1);
    predictor->add(images, labels);
    const std::vector<uchar> expected = predictor->predict()->onnx();
    const auto run = [&] {
        predictor->add(images, labels);
        predictor->predict();
    };
    for (int warm = 0; warm < 2; ++warm) {
        predictor->clear();
        run();
    }
    int refusals = 0, died = 0;
    for (const long place : firstOfEachStack([&] { predictor->clear(), run(); })) {
        const Outcome outcome = apart([&] {
            predictor->clear();
            predictor->add(images, labels);
            if (watched(run, place) != End::Refused) return Right;
            if (predictor->size() == 12) return Refused;  // by predict, after the whole batch was added
            if (predictor->size() != 6) return WrongState;
            return predictor->predict()->onnx() == expected ? Refused : WrongState;
        });
        BOOST_TEST_CONTEXT("allocation " << place) {
            BOOST_TEST((outcome == Right || outcome == Refused || outcome == DiedInJson));
        }
        refusals += outcome == Refused ? 1 : 0;
        died += outcome == DiedInJson ? 1 : 0;
    }
    BOOST_TEST(refusals > 50);
    BOOST_TEST(died < refusals / 10);
}
