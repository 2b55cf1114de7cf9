// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/memory.hpp"

#include <algorithm>

#include "fallback_backend.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

// Blocks are whole multiples of this, so that nearly equal requests share them.
const size_t kGrain = 4096;

}  // namespace

Memory::~Memory() {
    if (start_ != nullptr) pool_->giveBack({start_, bytes_});
}

MemoryPool::~MemoryPool() {
    trim();
}

Memory MemoryPool::take(size_t bytes) {
    const size_t whole = std::max(kGrain, (bytes + kGrain - 1) / kGrain * kGrain);
    Memory memory;
    {
        const std::lock_guard<std::mutex> lock(lock_);
        // The smallest that is large enough and not more than twice as large.
        auto best = idle_.end();
        for (auto it = idle_.begin(); it != idle_.end(); ++it) {
            if (it->bytes < whole || it->bytes > 2 * whole) continue;
            if (best == idle_.end() || it->bytes < best->bytes) best = it;
        }
        if (best != idle_.end()) {
            memory.start_ = best->start;
            memory.bytes_ = best->bytes;
            idle_.erase(best);
        }
    }
    if (memory.start_ == nullptr) {
        try {
            memory.start_ = device_->allocate(whole);
        } catch (const DeviceFailure& failure) {
            if (failure.kind() != DeviceFailure::Kind::OutOfMemory) throw;
            if (lastResort_) lastResort_();
            trim();
            memory.start_ = device_->allocate(whole);
        }
        memory.bytes_ = whole;
    }
    memory.pool_ = shared_from_this();
    return memory;
}

void MemoryPool::trim() {
    std::vector<Block> idle;
    {
        const std::lock_guard<std::mutex> lock(lock_);
        idle.swap(idle_);
    }
    for (const Block& block : idle) device_->release(block.start);
}

void MemoryPool::giveBack(Block block) {
    const std::lock_guard<std::mutex> lock(lock_);
    idle_.push_back(block);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
