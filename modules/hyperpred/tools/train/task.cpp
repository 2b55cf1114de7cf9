// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "task.hpp"

#include <algorithm>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int64_t kLeastSupport = 5, kMostSupport = 50;  // images a class

size_t drawSet(const std::vector<DataSet>& sets, Chance& chance) {
    int64_t all = 0;
    for (const DataSet& set : sets) all += int64_t(set.classes.size());
    int64_t place = below(chance, all);
    for (size_t s = 0; s < sets.size(); ++s) {
        place -= int64_t(sets[s].classes.size());
        if (place < 0) return s;
    }
    return sets.size() - 1;
}

}  // namespace

Task drawTask(const std::vector<DataSet>& sets, const TaskSizes& sizes, Chance& chance) {
    Task task;
    task.set = int64_t(drawSet(sets, chance));
    const DataSet& set = sets[size_t(task.set)];
    const int64_t available = int64_t(set.classes.size()), most = std::min(sizes.mostClasses, available);
    const int64_t least = std::min(sizes.leastClasses, most);
    task.classes = least + below(chance, most - least + 1);
    const int64_t cap = std::clamp(sizes.supportImages / task.classes, kLeastSupport, kMostSupport);
    const int64_t support = kLeastSupport + below(chance, cap - kLeastSupport + 1);
    const int64_t query = std::max<int64_t>(1, sizes.queryImages / task.classes);
    const torch::Tensor chosen = torch::randperm(available, chance, torch::kLong).slice(0, 0, task.classes);
    std::vector<torch::Tensor> supportRows, queryRows, supportLabels, queryLabels;
    for (int64_t c = 0; c < task.classes; ++c) {
        const torch::Tensor& rows = set.classes[size_t(chosen[c].item<int64_t>())];
        if (rows.numel() < 2) {
            fail(Failure::BadFile,
                 "data set \"" + set.name + "\": a class with a single image cannot be a task's class");
        }
        const int64_t own = std::min(support, rows.numel() - 1);
        const torch::Tensor order = torch::randperm(rows.numel(), chance, torch::kLong);
        supportRows.push_back(rows.index_select(0, order.slice(0, 0, own)));
        queryRows.push_back(rows.index_select(0, order.slice(0, own, std::min(own + query, rows.numel()))));
        supportLabels.push_back(torch::full_like(supportRows.back(), c));
        queryLabels.push_back(torch::full_like(queryRows.back(), c));
    }
    task.classLabels = chosen + set.firstLabel;
    task.supportRows = torch::cat(supportRows);
    task.queryRows = torch::cat(queryRows);
    task.supportLabels = torch::cat(supportLabels);
    task.queryLabels = torch::cat(queryLabels);
    return task;
}

}  // namespace hyperpred
}  // namespace cv
