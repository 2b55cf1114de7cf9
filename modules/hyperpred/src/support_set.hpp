// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SUPPORT_SET_HPP
#define HYPERPRED_SUPPORT_SET_HPP

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <vector>

#include "sample.hpp"
#include "spool.hpp"

namespace cv {
namespace hyperpred {

const int kMaxClasses = 10000;
const int kManyClasses = 1000;  // more need PredictOptions::many
const int64_t kMaxImages = 100000000;

// The labelled images added so far, converted to size x size BGR bytes and spooled; memory is bounded.
class SupportSet {
public:
    explicit SupportSet(int imageSize);

    // All of the batch or, when an image or a label is refused, none of it.
    void add(const std::vector<cv::Mat>& images, const std::vector<int>& labels);
    void clear();

    int size() const;
    int imageSize() const;
    size_t imageBytes() const;

    // Entries in canonical order (sortCanonically). The record of an entry is its position in the order of add().
    std::vector<SupportEntry> canonical() const;
    void readPixels(size_t record, uint8_t* out) const;

private:
    int imageSize_;
    std::unique_ptr<Spool> pixels_;
    std::vector<SupportEntry> entries_;
};

// Throws Failure::OutOfRange when `more` images beside `present` ones are too many.
void checkImageCount(int64_t present, int64_t more);

// Number of classes of labels 0..C-1. Throws Failure::BadArgument when there are fewer than two, more than the limits
// allow, or a label below the highest has no image.
int countClasses(const std::vector<SupportEntry>& entries, bool many);

}  // namespace hyperpred
}  // namespace cv

#endif
