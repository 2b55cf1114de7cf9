// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_PARTIAL_HPP
#define HYPERPRED_TOOL_PARTIAL_HPP

#include <opencv2/hyperpred.hpp>
#include <string>
#include <vector>

#include "command.hpp"
#include "support_list.hpp"

namespace cv {
namespace hyperpred {

// `hyperpred predict DIR --partial K/N`: reads and converts one part of the listed files and writes it to --out.
int runPartial(const Arguments& arguments);

// Adds the images of the parts as if their files had been read here. Fills class names and skipped of `list`, and
// returns the paths in the order of add().
std::vector<std::string> addParts(HyperPredictor& predictor, const std::vector<std::string>& partFiles,
                                  LabelledFiles& list);

// Classes without an image, by `counts`, would leave a gap in the labels: they leave `list`, which says so. Returns
// each class's label among those that stay, or -1.
std::vector<int> dropEmptyClasses(LabelledFiles& list, const std::vector<int>& counts);

}  // namespace hyperpred
}  // namespace cv

#endif
