// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TRAIN_TASK_HPP
#define HYPERPRED_TRAIN_TASK_HPP

#include <torch/torch.h>

#include "augment.hpp"
#include "packed_data.hpp"

namespace cv {
namespace hyperpred {

// One task of stage 2: some classes of one data set, all images under one transform.
struct Task {
    int64_t set = 0;  // which data set
    int64_t classes = 0;
    torch::Tensor classLabels;                 // classes, int64: label among all classes of all data sets
    torch::Tensor supportRows, queryRows;      // rows of the data set's pixels
    torch::Tensor supportLabels, queryLabels;  // 0..classes-1
    DataSetTransform transform;
};

struct TaskSizes {
    int64_t leastClasses = 5, mostClasses = 20;
    int64_t supportImages = 200, queryImages = 100;  // in all; a class has 5..50 support images
};

// A data set in proportion to its number of classes, 5..20 of its classes, up to 50 support images each, and queries
// that are no support images. The transform is left as it is.
Task drawTask(const std::vector<DataSet>& sets, const TaskSizes& sizes, Chance& chance);

}  // namespace hyperpred
}  // namespace cv

#endif
