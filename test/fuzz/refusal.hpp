// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FUZZ_REFUSAL_HPP
#define HYPERPRED_FUZZ_REFUSAL_HPP

#include <cstdio>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <string>

// Ends the process: the fuzzer keeps the input.
[[noreturn]] inline void finding(const std::string& what) {
    std::fprintf(stderr, "FINDING: %s\n", what.c_str());
    std::abort();
}

// Hostile bytes may be refused in one way only: the module's own error for a bad file, one line of text that names
// where the bytes came from. Any other exception leaves the target and counts as a crash.
inline void checkRefusal(const cv::Exception& error, const std::string& origin) {
    if (error.code != cv::Error::StsParseError) finding("error code " + std::to_string(error.code) + ": " + error.err);
    if (error.err.find(origin) == std::string::npos) finding("no origin in: " + error.err);
    if (error.err.size() > 4096) finding("an error of " + std::to_string(error.err.size()) + " bytes");
    for (const char c : error.err) {
        if (static_cast<unsigned char>(c) < ' ' || c == 127) finding("a control character in: " + error.err);
    }
}

#endif
