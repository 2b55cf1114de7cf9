// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "features.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "backend.hpp"
#include "error.hpp"
#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kMemoryBudget = size_t(32) << 20;
const size_t kParallelBytes = size_t(16) << 20;  // rows held at once by forEachBlockParallel
const float kLargest = 1e12f;                    // squares summed over 10^8 images stay finite in float

void checkRow(const float* row, int columns, int image) {
    for (int j = 0; j < columns; ++j) {
        if (!(std::fabs(row[j]) <= kLargest)) {
            fail(Failure::BadArgument, "feature " + std::to_string(j) + " of image " + std::to_string(image) + " is " +
                                           std::to_string(row[j]) + ", must be finite and at most 1e12 in size: " +
                                           "the network's weights are unusable for these images");
        }
    }
}

void gatherSums(const FeatureTable& table, FeatureStatistics& statistics) {
    const size_t p = size_t(table.columns());
    table.forEachBlock([&](int first, int count, const float* rows) {
        for (int i = 0; i < count; ++i) {
            const float* row = rows + size_t(i) * p;
            checkRow(row, table.columns(), first + i);
            const size_t label = size_t(table.labels()[size_t(first + i)]);
            double* sum = statistics.sums.data() + label * p;
            for (size_t j = 0; j < p; ++j) sum[j] += double(row[j]);
        }
    });
}

// Backends may sum a block in float: on features whose mean is large against their deviation that would lose the
// deviation. So the mean s is taken off first, and put back in double: with t the sum of x,
// sum x x^T = sum (x - s)(x - s)^T + s t^T + t s^T - N s s^T.
void gatherGram(const FeatureTable& table, const AddGram& addGram, FeatureStatistics& statistics) {
    const size_t p = size_t(table.columns());
    std::vector<double> t(p, 0.0);
    for (size_t k = 0; k < statistics.sums.size(); ++k) t[k % p] += statistics.sums[k];
    std::vector<float> s(p);
    for (size_t j = 0; j < p; ++j) s[j] = float(t[j] / double(table.rows()));

    std::vector<float> moved(p * FeatureTable::kBlockRows);
    table.forEachBlock([&](int, int count, const float* rows) {
        for (size_t i = 0; i < size_t(count); ++i) {
            for (size_t j = 0; j < p; ++j) moved[i * p + j] = rows[i * p + j] - s[j];
        }
        addGram(moved.data(), count, table.columns(), statistics.gram.data());
    });
    for (size_t i = 0; i < p; ++i) {
        for (size_t j = 0; j < p; ++j) {
            const double si = double(s[i]), sj = double(s[j]);
            statistics.gram[i * p + j] += si * t[j] + t[i] * sj - double(table.rows()) * si * sj;
        }
    }
}

FeatureStatistics emptyStatistics(const FeatureTable& table) {
    if (table.rows() == 0) fail(Failure::BadArgument, "no features: the support set has no images");
    FeatureStatistics statistics;
    statistics.columns = table.columns();
    statistics.classes = table.classes();
    statistics.counts.assign(size_t(table.classes()), 0.0);
    for (const int label : table.labels()) statistics.counts[size_t(label)] += 1;
    statistics.sums.assign(size_t(table.classes()) * size_t(table.columns()), 0.0);
    statistics.gram.assign(size_t(table.columns()) * size_t(table.columns()), 0.0);
    return statistics;
}

// A backend that adds up by itself has looked at no row. A value that must not be there shows in the diagonal, which
// sums squares: only then is the whole table worth a look.
void checkSquares(const FeatureTable& table, const FeatureStatistics& statistics) {
    const size_t p = size_t(table.columns());
    bool fine = true;
    for (size_t j = 0; j < p; ++j) {
        fine = fine && statistics.gram[j * p + j] <= double(kLargest) * double(kLargest);
    }
    if (fine) return;
    table.forEachBlock([&](int first, int count, const float* rows) {
        for (int i = 0; i < count; ++i) checkRow(rows + size_t(i) * p, table.columns(), first + i);
    });
}

}  // namespace

const int FeatureTable::kBlockRows;

FeatureTable::FeatureTable(int columns, int classes)
    : columns_(columns), classes_(classes), spool_(size_t(columns) * sizeof(float), kMemoryBudget) {
    if (columns < 1 || classes < 1) {
        fail(Failure::Internal, "feature table of " + std::to_string(columns) + " columns and " +
                                    std::to_string(classes) + " classes, both must be 1 or more");
    }
}

void FeatureTable::append(const float* rows, const int* labels, int count, const KeptRows& kept, int from) {
    const int first = int(labels_.size());
    for (int i = 0; i < count; ++i) {
        if (labels[i] < 0 || labels[i] >= classes_) {
            fail(Failure::OutOfRange, "label " + std::to_string(labels[i]) + " of image " +
                                          std::to_string(labels_.size()) + ", must be 0.." +
                                          std::to_string(classes_ - 1));
        }
        spool_.append(rows + size_t(i) * size_t(columns_));
        labels_.push_back(labels[i]);
    }
    if (!kept || count == 0) return;
    if (!runs_.empty()) {
        FeatureRows::Run& last = runs_.back();
        if (last.kept == kept && last.first + last.count == first && last.from + last.count == from) {
            last.count += count;
            return;
        }
    }
    runs_.push_back({first, count, kept, from});
}

FeatureRows FeatureTable::view() const {
    FeatureRows all;
    all.rows = rows();
    all.columns = columns_;
    all.classes = classes_;
    all.labels = labels_.data();
    all.read = [this](int first, int count, float* out) { read(first, count, out); };
    all.runs = runs_;
    return all;
}

int FeatureTable::rows() const {
    return int(labels_.size());
}

int FeatureTable::columns() const {
    return columns_;
}

int FeatureTable::classes() const {
    return classes_;
}

const std::vector<int>& FeatureTable::labels() const {
    return labels_;
}

void FeatureTable::read(int first, int count, float* out) const {
    if (first < 0 || count < 0 || first > rows() - count) {
        fail(Failure::Internal, "feature rows " + std::to_string(first) + " and " + std::to_string(count) +
                                    " on, but the table has " + std::to_string(rows()));
    }
    for (int i = 0; i < count; ++i) spool_.read(size_t(first + i), out + size_t(i) * size_t(columns_));
}

void FeatureTable::forEachBlock(const std::function<void(int, int, const float*)>& visit) const {
    std::vector<float> block(size_t(columns_) * kBlockRows);
    for (int first = 0; first < rows(); first += kBlockRows) {
        const int count = std::min(int(kBlockRows), rows() - first);
        read(first, count, block.data());
        visit(first, count, block.data());
    }
}

void FeatureTable::forEachBlockParallel(const std::function<void(int, int, const float*)>& visit) const {
    const size_t blockSize = size_t(columns_) * kBlockRows;
    const int blocks = rows() / kBlockRows + (rows() % kBlockRows ? 1 : 0);
    const int together = std::min(blocks, std::max(1, int(kParallelBytes / (blockSize * sizeof(float)))));
    std::vector<float> held(blockSize * size_t(together));
    for (int base = 0; base < blocks; base += together) {
        const int firstRow = base * kBlockRows;
        read(firstRow, std::min(together * kBlockRows, rows() - firstRow), held.data());
        cv::parallel_for_(cv::Range(base, std::min(blocks, base + together)), [&](const cv::Range& range) {
            for (int b = range.start; b < range.end; ++b) {
                const int first = b * kBlockRows;
                visit(first, std::min(int(kBlockRows), rows() - first), held.data() + size_t(b - base) * blockSize);
            }
        });
    }
}

FeatureStatistics gatherStatistics(const FeatureTable& table, Backend& backend) {
    FeatureStatistics statistics = emptyStatistics(table);
    if (backend.sumRows(table.view(), statistics.sums.data(), statistics.gram.data())) {
        checkSquares(table, statistics);
        return statistics;
    }
    return gatherStatistics(table, [&backend](const float* rows, int count, int columns, double* sum) {
        backend.gram(rows, count, columns, sum);
    });
}

FeatureStatistics gatherStatistics(const FeatureTable& table, const AddGram& addGram) {
    FeatureStatistics statistics = emptyStatistics(table);
    gatherSums(table, statistics);
    gatherGram(table, addGram, statistics);
    return statistics;
}

}  // namespace hyperpred
}  // namespace cv
