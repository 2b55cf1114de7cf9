// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/head_sums.hpp"

#include <algorithm>
#include <mutex>
#include <set>

#include "error.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

const size_t kKeptBytes = size_t(256) << 20;  // 75,000 images of 896 features
const int kMostBlockRows = 4096, kLeastBlockRows = 16;

}  // namespace

struct RowKeeper::Shelf {
    mutable std::mutex lock;
    std::set<Rows*> all;
    size_t bytes = 0;
};

class RowKeeper::Rows : public BackendRows {
public:
    Rows(std::shared_ptr<Shelf> shelf, Memory memory, int rows, int columns)
        : shelf_(std::move(shelf)), memory_(std::move(memory)), rows_(rows), columns_(columns) {}
    ~Rows() override {
        const std::lock_guard<std::mutex> lock(shelf_->lock);
        if (memory_) shelf_->bytes -= bytes();
        shelf_->all.erase(this);
    }
    size_t bytes() const { return size_t(rows_) * size_t(columns_) * sizeof(float); }

private:
    friend class RowKeeper;
    std::shared_ptr<Shelf> shelf_;
    Memory memory_;  // under the shelf's lock
    int rows_, columns_;
};

RowKeeper::RowKeeper() : shelf_(std::make_shared<Shelf>()) {}

KeptRows RowKeeper::keep(Memory memory, int rows, int columns) {
    auto kept = std::make_shared<Rows>(shelf_, std::move(memory), rows, columns);
    const std::lock_guard<std::mutex> lock(shelf_->lock);
    if (shelf_->bytes + kept->bytes() > kKeptBytes) {
        kept->memory_ = Memory();  // its bytes have not been counted
        return nullptr;
    }
    shelf_->bytes += kept->bytes();
    shelf_->all.insert(kept.get());
    return kept;
}

const float* RowKeeper::find(const KeptRows& kept, int row, int columns) const {
    const auto* rows = dynamic_cast<const Rows*>(kept.get());
    if (rows == nullptr || rows->shelf_ != shelf_) return nullptr;
    const std::lock_guard<std::mutex> lock(shelf_->lock);
    if (!rows->memory_ || rows->columns_ != columns || row < 0 || row >= rows->rows_) return nullptr;
    return rows->memory_.floats() + int64_t(row) * columns;
}

bool RowKeeper::forget() {
    if (readers_ > 0) return false;
    const std::lock_guard<std::mutex> lock(shelf_->lock);
    const bool some = !shelf_->all.empty();
    for (Rows* rows : shelf_->all) rows->memory_ = Memory();
    shelf_->all.clear();
    shelf_->bytes = 0;
    return some;
}

int sumBlockRows(size_t chunkBytes, int columns) {
    const size_t each = size_t(columns) * sizeof(double);
    int rows = kLeastBlockRows;
    while (rows < kMostBlockRows && size_t(rows) * 2 * each <= chunkBytes) rows *= 2;
    return rows;
}

namespace {

class Summation {
public:
    Summation(MemoryPool& pool, const RowKeeper& keeper, const FeatureRows& rows)
        : pool_(pool),
          device_(pool.device()),
          keeper_(keeper),
          rows_(rows),
          classSums_(pool.takeOf<double>(sumCount())),
          gram_(pool.takeOf<double>(gramCount())),
          run_(rows.runs.begin()) {
        device_.clear(classSums_.as<double>(), sumCount() * sizeof(double));
        device_.clear(gram_.as<double>(), gramCount() * sizeof(double));
    }

    void add(int first, int count) {
        const Memory wide = pool_.takeOf<double>(size_t(count) * size_t(rows_.columns));
        gather(first, count, wide.as<double>());
        addProducts(wide.as<double>(), count);
        addClassSums(first, count, wide.as<double>());
    }

    void finish(double* sums, double* gram) const {
        std::vector<double> upper(gramCount()), ofClasses(sumCount());
        device_.download(upper.data(), gram_.as<double>(), upper.size() * sizeof(double));
        device_.download(ofClasses.data(), classSums_.as<double>(), ofClasses.size() * sizeof(double));
        std::copy(ofClasses.begin(), ofClasses.end(), sums);
        const size_t p = size_t(rows_.columns);
        for (size_t i = 0; i < p; ++i) {
            for (size_t j = i; j < p; ++j) gram[i * p + j] = gram[j * p + i] = upper[i * p + j];
        }
    }

private:
    size_t sumCount() const { return size_t(rows_.classes) * size_t(rows_.columns); }
    size_t gramCount() const { return size_t(rows_.columns) * size_t(rows_.columns); }

    // Where row `row` of the table lies on the device, or null. Rows are asked for in ascending order.
    const float* kept(int row) {
        while (run_ != rows_.runs.end() && row >= run_->first + run_->count) ++run_;
        if (run_ == rows_.runs.end() || row < run_->first) return nullptr;
        return keeper_.find(run_->kept, run_->from + (row - run_->first), rows_.columns);
    }

    void gather(int first, int count, double* wide) {
        std::vector<const float*> sources;
        std::vector<int> missing;
        for (int i = 0; i < count; ++i) {
            sources.push_back(kept(first + i));
            if (sources.back() == nullptr) missing.push_back(i);
        }
        const Memory fresh = fetch(first, missing);
        for (size_t k = 0; k < missing.size(); ++k) {
            sources[size_t(missing[k])] = fresh.floats() + int64_t(k) * rows_.columns;
        }
        const Memory table = pool_.upload(sources);
        GatherRows task{};
        task.rows = table.as<const float*>();
        task.out = wide;
        task.n = count;
        task.p = rows_.columns;
        launch(device_, task);
    }

    // The rows that are not on the device, one after the other.
    Memory fetch(int first, const std::vector<int>& missing) {
        if (missing.empty()) return Memory();
        const size_t p = size_t(rows_.columns);
        std::vector<float> host(missing.size() * p);
        for (size_t k = 0; k < missing.size();) {
            size_t together = 1;
            while (k + together < missing.size() && missing[k + together] == missing[k] + int(together)) ++together;
            rows_.read(first + missing[k], int(together), host.data() + k * p);
            k += together;
        }
        return pool_.upload(host);
    }

    void addProducts(const double* wide, int count) const {
        if (device_.addSquare(wide, count, rows_.columns, gram_.as<double>())) return;
        GramEntries entries{};
        entries.rows = wide;
        entries.out = gram_.as<double>();
        entries.n = count;
        entries.p = rows_.columns;
        launch(device_, entries);
    }

    void addClassSums(int first, int count, const double* wide) const {
        const int* labels = rows_.labels + first;
        std::vector<int> order(static_cast<size_t>(count));
        for (int i = 0; i < count; ++i) order[size_t(i)] = i;
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return labels[a] < labels[b]; });
        std::vector<ClassSegment> segments;
        for (int i = 0; i < count; ++i) {
            const int label = labels[order[size_t(i)]];
            if (segments.empty() || segments.back().label != label) segments.push_back({label, i, i});
            segments.back().end = i + 1;
        }
        const Memory sorted = pool_.upload(order), parts = pool_.upload(segments);
        ClassSums task{};
        task.rows = wide;
        task.order = sorted.as<int>();
        task.segments = parts.as<ClassSegment>();
        task.sums = classSums_.as<double>();
        task.segmentCount = int64_t(segments.size());
        task.p = rows_.columns;
        launch(device_, task);
    }

    MemoryPool& pool_;
    Device& device_;
    const RowKeeper& keeper_;
    const FeatureRows& rows_;
    Memory classSums_, gram_;
    std::vector<FeatureRows::Run>::const_iterator run_;
};

}  // namespace

void sumRows(MemoryPool& pool, const RowKeeper& keeper, const FeatureRows& rows, int blockRows, double* sums,
             double* gram) {
    const RowKeeper::Reading reading(keeper);
    Summation summation(pool, keeper, rows);
    for (int first = 0; first < rows.rows; first += blockRows) {
        summation.add(first, std::min(blockRows, rows.rows - first));
    }
    summation.finish(sums, gram);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
