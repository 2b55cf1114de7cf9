// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "label_space.hpp"

#include "error.hpp"

namespace cv {
namespace hyperpred {

LabelSpace labelSpaceOf(const std::vector<DataSet>& sets, const std::string& softmax) {
    LabelSpace space;
    for (const DataSet& set : sets) {
        for (const std::string& name : set.classNames) space.names.push_back(set.name + "/" + name);
    }
    space.classes = int64_t(space.names.size());
    space.allowed = torch::zeros({int64_t(sets.size()), space.classes}, torch::kBool);
    for (size_t i = 0; i < sets.size(); ++i) {
        const int64_t first = sets[i].firstLabel, last = first + int64_t(sets[i].classes.size());
        space.allowed[int64_t(i)].slice(0, first, last).fill_(true);
    }
    if (softmax == "joint") space.allowed.fill_(true);
    return space;
}

void requireEdge(const std::vector<DataSet>& sets, int size) {
    for (const DataSet& set : sets) {
        if (set.pixels.size(1) == size) continue;
        fail(Failure::BadFile, "data set \"" + set.name + "\": its images have an edge of " +
                                   std::to_string(set.pixels.size(1)) + " pixels, the architecture takes " +
                                   std::to_string(size) + "; pack it again with that size");
    }
}

}  // namespace hyperpred
}  // namespace cv
