// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_SAMPLE_HPP
#define HYPERPRED_SAMPLE_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cv {
namespace hyperpred {

// What is remembered of each support image.
struct SupportEntry {
    int label = 0;       // class index
    uint64_t hash = 0;   // content hash of the converted pixels
    size_t record = 0;   // where the pixels are spooled
};

// Sorts by label, then hash: the canonical order in which everything downstream runs, so that neither the order of
// the images nor the split into batches can matter. Equal entries hold equal pixels.
void sortCanonically(std::vector<SupportEntry>& entries);

// Bounded sample, stratified by class: the lowest hashes of each class, the same number each while they last; the
// rest of the `limit` goes to the classes that have more, round robin by class. `entries` are in canonical order.
// Returns ascending indices into `entries`.
std::vector<size_t> chooseSample(const std::vector<SupportEntry>& entries, int classes, size_t limit);

// Pairs of entries (indices) with equal hashes under different labels.
struct Conflict {
    size_t first = 0, second = 0;
};
std::vector<Conflict> findConflicts(const std::vector<SupportEntry>& entries);

// Groups of entries (ascending indices) with equal hashes under one label, in canonical order.
std::vector<std::vector<size_t>> findDuplicates(const std::vector<SupportEntry>& entries);

}  // namespace hyperpred
}  // namespace cv

#endif
