// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_HEAD_SUMS_HPP
#define HYPERPRED_CUDA_HEAD_SUMS_HPP

#include <memory>

#include "backend.hpp"
#include "cuda/memory.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Features that stay where their pass left them, up to a number of bytes: what a head is solved from needs them again.
class RowKeeper {
public:
    RowKeeper();

    // Null where there is no room.
    KeptRows keep(Memory memory, int rows, int columns);
    // Row `row` of what keep() gave, on the device, or null: of another keeper, forgotten, or of other columns.
    const float* find(const KeptRows& kept, int row, int columns) const;
    // Memory runs short: all of them go, whoever still holds on to them; but not while someone reads. False: none went.
    bool forget();

    // What find() gives stays while this lives.
    class Reading {
    public:
        explicit Reading(const RowKeeper& keeper) : keeper_(keeper) { ++keeper_.readers_; }
        ~Reading() { --keeper_.readers_; }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;

    private:
        const RowKeeper& keeper_;
    };

private:
    class Rows;
    struct Shelf;
    std::shared_ptr<Shelf> shelf_;  // outlives every Rows
    mutable int readers_ = 0;       // of the one thread that works on the device
};

// Rows that are gathered, multiplied and added up together: a power of two that depends on the device's kind alone.
int sumBlockRows(size_t chunkBytes, int columns);

// Backend::sumRows() in blocks of so many rows. `sums` and `gram` are written at the end or not at all.
void sumRows(MemoryPool& pool, const RowKeeper& keeper, const FeatureRows& rows, int blockRows, double* sums,
             double* gram);

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
