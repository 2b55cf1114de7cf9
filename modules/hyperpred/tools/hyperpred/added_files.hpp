// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_ADDED_FILES_HPP
#define HYPERPRED_TOOL_ADDED_FILES_HPP

#include <opencv2/hyperpred.hpp>
#include <string>
#include <vector>

#include "support_list.hpp"

namespace cv {
namespace hyperpred {

// What was added to a predictor, in the order of add().
struct AddedFiles {
    std::vector<std::string> paths;
    std::vector<int> labels;
};

// Reads every listed file into the predictor.
AddedFiles addFiles(HyperPredictor& predictor, LabelledFiles& list, bool strict);

// Classes without an image, by `counts`, would leave a gap in the labels: they leave `list`, which says so. Returns
// each class's label among those that stay, or -1.
std::vector<int> dropEmptyClasses(LabelledFiles& list, const std::vector<int>& counts);

}  // namespace hyperpred
}  // namespace cv

#endif
