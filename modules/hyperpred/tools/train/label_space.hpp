// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_LABEL_SPACE_HPP
#define HYPERPRED_TRAIN_LABEL_SPACE_HPP

#include <torch/torch.h>

#include <string>
#include <vector>

#include "packed_data.hpp"

namespace cv {
namespace hyperpred {

// The classes of all data sets side by side: the rows of the one linear classifier.
struct LabelSpace {
    int64_t classes = 0;
    std::vector<std::string> names;  // "set/class"
    torch::Tensor allowed;           // sets x classes, bool: the classes that compete for an image of a set
};
// `softmax`: "per_set" lets classes compete within their data set (CIFAR and Tiny ImageNet name the same things),
// "joint" all with all.
LabelSpace labelSpaceOf(const std::vector<DataSet>& sets, const std::string& softmax);

// Refuses packed files whose edge is not the architecture's.
void requireEdge(const std::vector<DataSet>& sets, int size);

}  // namespace hyperpred
}  // namespace cv

#endif
