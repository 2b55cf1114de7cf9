// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_SENTENCE_HPP
#define HYPERPRED_TEST_SENTENCE_HPP

#include <exception>
#include <string>

namespace cv {
namespace hyperpred {
namespace test {

// The sentence that a call ends with, "" where it throws nothing.
template <class Call>
std::string sentenceOf(const Call& call) {
    try {
        call();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

inline bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
