// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "error.hpp"

#ifdef HYPERPRED_WITHOUT_OPENCV
#include <stdexcept>
#else
#include <opencv2/core.hpp>
#endif

namespace cv {
namespace hyperpred {

#ifdef HYPERPRED_WITHOUT_OPENCV

void fail(Failure, const std::string& sentence) {
    throw std::runtime_error(sentence);
}

#else

void fail(Failure kind, const std::string& sentence) {
    int code = cv::Error::StsInternal;
    switch (kind) {
        case Failure::BadArgument: code = cv::Error::StsBadArg; break;
        case Failure::BadFile: code = cv::Error::StsParseError; break;
        case Failure::OutOfRange: code = cv::Error::StsOutOfRange; break;
        case Failure::NotFound: code = cv::Error::StsObjectNotFound; break;
        case Failure::Unsupported: code = cv::Error::StsNotImplemented; break;
        case Failure::NoMemory: code = cv::Error::StsNoMem; break;
        case Failure::Internal: code = cv::Error::StsInternal; break;
    }
    CV_Error(code, sentence);
}

#endif

}  // namespace hyperpred
}  // namespace cv
