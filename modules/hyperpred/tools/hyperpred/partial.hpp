// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_PARTIAL_HPP
#define HYPERPRED_TOOL_PARTIAL_HPP

#include <opencv2/hyperpred.hpp>
#include <string>
#include <vector>

#include "added_files.hpp"
#include "command.hpp"

namespace cv {
namespace hyperpred {

// `hyperpred predict DIR --partial K/N`: reads and converts one part of the listed files and writes it to --out.
int runPartial(const Arguments& arguments);

// Adds the images of the parts as if their files had been read here. Fills class names and skipped of `list`.
AddedFiles addParts(HyperPredictor& predictor, const std::vector<std::string>& partFiles, LabelledFiles& list);

}  // namespace hyperpred
}  // namespace cv

#endif
