// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_FEATURES_HPP
#define HYPERPRED_FEATURES_HPP

#include <cstddef>
#include <functional>
#include <vector>

#include "backend.hpp"
#include "spool.hpp"

namespace cv {
namespace hyperpred {

// Features of the whole support set, N x p with class labels, in canonical order, in bounded memory.
class FeatureTable {
public:
    FeatureTable(int columns, int classes);

    // `kept`: the same rows from row `from` on, where the backend that made them still holds them.
    void append(const float* rows, const int* labels, int count, const KeptRows& kept = nullptr, int from = 0);
    int rows() const;
    int columns() const;
    int classes() const;
    const std::vector<int>& labels() const;
    // Rows first .. first + count - 1 -> out (count x p).
    void read(int first, int count, float* out) const;
    // All rows for a backend; the table outlives it.
    FeatureRows view() const;
    // Calls `visit(first, count, rows)` for consecutive blocks of `kBlockRows` (the last may be shorter): the one
    // blocking that every sum over the table uses, so that sums have one order.
    static const int kBlockRows = 256;
    void forEachBlock(const std::function<void(int, int, const float*)>& visit) const;
    // The same blocks, several at a time on OpenCV's threads: `visit` writes only what belongs to its own block.
    void forEachBlockParallel(const std::function<void(int, int, const float*)>& visit) const;

private:
    int columns_, classes_;
    std::vector<int> labels_;
    std::vector<FeatureRows::Run> runs_;
    Spool spool_;
};

// What closed-form heads need of the features; additive over images, so shards can be summed.
struct FeatureStatistics {
    int columns = 0, classes = 0;
    std::vector<double> counts;  // C
    std::vector<double> sums;    // C x p
    std::vector<double> gram;    // p x p, X^T X, uncentred
};
// Adds X^T X of count x columns rows to `sum` (columns x columns).
using AddGram = std::function<void(const float* rows, int count, int columns, double* sum)>;
// Throws Failure::BadArgument, with the image's number, for features that are no finite numbers of sane size.
FeatureStatistics gatherStatistics(const FeatureTable& table, const AddGram& addGram);
FeatureStatistics gatherStatistics(const FeatureTable& table, Backend& backend);

}  // namespace hyperpred
}  // namespace cv

#endif
