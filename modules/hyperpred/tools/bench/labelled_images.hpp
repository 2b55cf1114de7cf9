// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BENCH_LABELLED_IMAGES_HPP
#define HYPERPRED_BENCH_LABELLED_IMAGES_HPP

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "support_set.hpp"

namespace cv {
namespace hyperpred {

// N images of size x size BGR bytes, converted as the predictor converts them, with labels 0..C-1.
struct LabelledImages {
    int size = 0;
    std::vector<std::string> classNames;
    std::vector<int> labels;
    std::vector<uint8_t> pixels;

    int count() const { return int(labels.size()); }
    size_t imageBytes() const { return size_t(size) * size_t(size) * 3; }
    cv::Mat image(int index) const;  // a view
};

// Which classes of a folder of classes, by their place in the sorted names: those whose place modulo `modulo` is
// `remainder`, or with `others` all the rest. Modulo 0: all.
struct ClassChoice {
    int modulo = 0, remainder = 0;
    bool others = false;
    bool takes(int place) const { return modulo == 0 || (place % modulo == remainder) != others; }
};
// `most`: no more images of a class than this, the first by name. A file that cannot be read is an error.
LabelledImages readLabelledImages(const std::string& folder, const ClassChoice& choice, int size, int most = 1 << 30);

// `each` images of every class, another choice for another `draw`; all of a class that has no more.
LabelledImages drawImages(const LabelledImages& images, int each, uint64_t draw);

// The same as a support set.
SupportSet supportSetOf(const LabelledImages& images);

}  // namespace hyperpred
}  // namespace cv

#endif
