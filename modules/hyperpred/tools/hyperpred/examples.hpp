// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_EXAMPLES_HPP
#define HYPERPRED_TOOL_EXAMPLES_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// Positions of a few images of each class that stand for it: spread evenly over the class in the order given, without
// those of `doubtful` (positions) where enough others are left. labels: class of each image, 0 .. classes - 1.
std::vector<std::vector<size_t>> chooseExamples(const std::vector<int>& labels, int classes,
                                                const std::vector<size_t>& doubtful, size_t each);

}  // namespace hyperpred
}  // namespace cv

#endif
