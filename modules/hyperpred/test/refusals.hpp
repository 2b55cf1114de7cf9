// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TEST_REFUSALS_HPP
#define HYPERPRED_TEST_REFUSALS_HPP

#include <opencv2/core.hpp>
#include <string>

#include "sentence.hpp"

namespace cv {
namespace hyperpred {
namespace test {

// The sentence with which a call of the module is refused, "" where it is not. Any other exception leaves the test.
template <class Call>
std::string refusalOf(const Call& call) {
    try {
        call();
    } catch (const cv::Exception& error) {
        return error.err;
    }
    return "";
}

}  // namespace test
}  // namespace hyperpred
}  // namespace cv

#endif
