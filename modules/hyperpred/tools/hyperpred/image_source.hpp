// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_IMAGE_SOURCE_HPP
#define HYPERPRED_TOOL_IMAGE_SOURCE_HPP

#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "support_list.hpp"

namespace cv {
namespace hyperpred {

// Images of one batch with their labels and paths.
struct LabelledBatch {
    std::vector<cv::Mat> images;
    std::vector<int> labels;
    std::vector<std::string> paths;
    std::vector<size_t> positions;  // in the list of files
};

// Reads the listed files in parallel, a few at a time so that memory stays bounded, and hands them on in order.
// A file that cannot be read is added to `skipped`, or with `strict` ends the run with its error.
void forEachBatch(const std::vector<LabelledFile>& files, bool strict, std::vector<std::string>& skipped,
                  const std::function<void(const LabelledBatch&)>& visit);

// One line to stderr that names each skipped file, the first ten of them.
void reportSkipped(const std::vector<std::string>& skipped);

// Progress on a terminal only: one line, overwritten.
void showProgress(const std::string& stage, double done);
void endProgress();

}  // namespace hyperpred
}  // namespace cv

#endif
