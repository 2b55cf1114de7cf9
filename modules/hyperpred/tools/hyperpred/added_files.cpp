// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "added_files.hpp"

#include <algorithm>

#include "image_source.hpp"
#include "interruption.hpp"
#include "quoted_path.hpp"

namespace cv {
namespace hyperpred {

std::vector<int> dropEmptyClasses(LabelledFiles& list, const std::vector<int>& counts) {
    std::vector<std::string> kept;
    std::vector<int> labels;
    for (size_t c = 0; c < list.classNames.size(); ++c) {
        labels.push_back(counts[c] > 0 ? int(kept.size()) : -1);
        if (counts[c] > 0) {
            kept.push_back(list.classNames[c]);
        } else {
            list.skipped.push_back("class " + quotedPath(list.classNames[c]) + ": no image of it could be read");
        }
    }
    list.classNames = kept;
    return labels;
}

AddedFiles addFiles(HyperPredictor& predictor, LabelledFiles& list, bool strict) {
    std::vector<int> counts(list.classNames.size(), 0);
    AddedFiles added;
    size_t done = 0;
    // Labels are handed over as listed; a class that turns out empty is only known at the end, so the images are
    // added again under the closed-up labels in that rare case.
    for (int pass = 0; pass < 2; ++pass) {
        std::vector<int> remap;
        std::vector<std::string> ignored;
        if (pass == 1) {
            remap = dropEmptyClasses(list, counts);
            predictor.clear();
            added = AddedFiles();
            done = 0;
        }
        forEachBatch(list.files, strict, pass == 0 ? list.skipped : ignored, [&](const LabelledBatch& batch) {
            stopIfInterrupted();
            std::vector<int> labels = batch.labels;
            for (int& label : labels) {
                if (pass == 0) ++counts[size_t(label)];
                if (pass == 1) label = remap[size_t(label)];
            }
            predictor.add(batch.images, labels);
            added.paths.insert(added.paths.end(), batch.paths.begin(), batch.paths.end());
            added.labels.insert(added.labels.end(), labels.begin(), labels.end());
            done += batch.images.size();
            showProgress("reading", double(done) / double(list.files.size()));
        });
        if (std::find(counts.begin(), counts.end(), 0) == counts.end()) break;
    }
    return added;
}

}  // namespace hyperpred
}  // namespace cv
