// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "support_set.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <string>

#include "error.hpp"
#include "hash.hpp"
#include "images.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kPixelBudget = size_t(24) << 20;  // bytes of converted images kept in memory, the rest on disk
const int kConvertBlock = 256;                 // images converted at once, before they are spooled

void checkLabels(const std::vector<int>& labels) {
    for (size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] < 0 || labels[i] >= kMaxClasses) {
            fail(Failure::OutOfRange, "label " + std::to_string(labels[i]) + " of image " + std::to_string(i) +
                                          ": labels are 0.." + std::to_string(kMaxClasses - 1));
        }
    }
}

// Converts images first .. first + count - 1 in parallel. Of several refused images the first is reported, so that
// the sentence does not depend on the threads.
void convertBlock(const std::vector<cv::Mat>& images, int first, int count, int size, uint8_t* out) {
    const size_t bytes = size_t(size) * size_t(size) * 3;
    std::mutex mutex;
    int failedAt = first + count;
    std::exception_ptr failure;
    cv::parallel_for_(cv::Range(0, count), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
            try {
                convertImage(images[size_t(first + i)], size, "image " + std::to_string(first + i),
                             out + size_t(i) * bytes);
            } catch (...) {
                std::lock_guard<std::mutex> lock(mutex);
                if (first + i < failedAt) {
                    failedAt = first + i;
                    failure = std::current_exception();
                }
            }
        }
    });
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

SupportSet::SupportSet(int imageSize)
    : imageSize_(imageSize),
      pixels_(std::make_unique<Spool>(size_t(imageSize) * size_t(imageSize) * 3, kPixelBudget)) {}

void SupportSet::add(const std::vector<cv::Mat>& images, const std::vector<int>& labels) {
    if (images.size() != labels.size()) {
        fail(Failure::BadArgument, std::to_string(images.size()) + " images but " + std::to_string(labels.size()) +
                                       " labels: each image needs one label");
    }
    checkLabels(labels);
    checkImageCount(int64_t(entries_.size()), int64_t(images.size()));
    const size_t before = entries_.size();
    try {
        std::vector<uint8_t> block(imageBytes() * std::min(images.size(), size_t(kConvertBlock)));
        for (int first = 0; first < int(images.size()); first += kConvertBlock) {
            const int count = std::min(kConvertBlock, int(images.size()) - first);
            convertBlock(images, first, count, imageSize_, block.data());
            for (int i = 0; i < count; ++i) {
                const uint8_t* pixels = block.data() + size_t(i) * imageBytes();
                SupportEntry entry;
                entry.label = labels[size_t(first + i)];
                entry.hash = contentHash(pixels, imageBytes());
                entry.record = pixels_->count();
                pixels_->append(pixels);
                entries_.push_back(entry);
            }
        }
    } catch (...) {
        entries_.resize(before);
        pixels_->truncate(before);
        throw;
    }
}

void SupportSet::clear() {
    entries_.clear();
    pixels_->truncate(0);
}

int SupportSet::size() const {
    return int(entries_.size());
}

int SupportSet::imageSize() const {
    return imageSize_;
}

size_t SupportSet::imageBytes() const {
    return pixels_->recordSize();
}

std::vector<SupportEntry> SupportSet::canonical() const {
    std::vector<SupportEntry> sorted = entries_;
    sortCanonically(sorted);
    return sorted;
}

void SupportSet::readPixels(size_t record, uint8_t* out) const {
    pixels_->read(record, out);
}

void checkImageCount(int64_t present, int64_t more) {
    if (present + more > kMaxImages) {
        fail(Failure::OutOfRange, std::to_string(present) + " images and " + std::to_string(more) +
                                      " more: a support set holds at most " + std::to_string(kMaxImages));
    }
}

int countClasses(const std::vector<SupportEntry>& entries, bool many) {
    int classes = 0;
    for (const SupportEntry& entry : entries) classes = std::max(classes, entry.label + 1);
    if (classes > kManyClasses && !many) {
        fail(Failure::OutOfRange, std::to_string(classes) + " classes: more than " + std::to_string(kManyClasses) +
                                      " need the option `many`");
    }
    std::vector<char> seen(size_t(classes), 0);
    for (const SupportEntry& entry : entries) seen[size_t(entry.label)] = 1;
    const auto gap = std::find(seen.begin(), seen.end(), 0);
    if (gap != seen.end()) {
        fail(Failure::BadArgument, "label " + std::to_string(gap - seen.begin()) + " has no image: labels are 0.." +
                                       std::to_string(classes - 1) + " without gaps");
    }
    if (classes < 2) {
        fail(Failure::BadArgument, "the support set has " + std::to_string(entries.size()) + " images of " +
                                       std::to_string(classes) + " class(es): at least two classes are needed");
    }
    return classes;
}

}  // namespace hyperpred
}  // namespace cv
