// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_CUDA_UNROLL_HPP
#define HYPERPRED_CUDA_UNROLL_HPP

#include <vector>

#include "cuda/memory.hpp"
#include "cuda/unroll_kernel.hpp"
#include "recurrent.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

// Sketch -> codes. A layer needs the one before: one cluster does it all where the device has such, else it is a chain
// of small launches, recorded once and replayed whole.
class Unroll {
public:
    Unroll(const RecurrentParameters& parameters, MemoryPool& pool);

    // Sketch (d) -> codes (L x d), from host to host.
    std::vector<float> operator()(const std::vector<float>& sketch) const;
    const char* way() const { return recording_ ? "a chain of launches" : "one cluster"; }  // for reports

private:
    struct Cell {
        Memory inputWeight;  // 3 d x d: of the first cell the part that reads o, not the description
        Memory inputBias;    // 3 d; of the first cell L x 3 d, with the description's share in it
        Memory hiddenWeight, hiddenBias;
        Memory hidden;  // d
    };
    void prepareCluster(const RecurrentParameters& parameters);
    void launchAll() const;
    void launchCell(size_t index, int layer, const float* input) const;
    void launchNorm(const Memory& hidden, bool mixed, float* out) const;

    MemoryPool& pool_;
    int width_, layers_;
    float mix_;
    std::vector<Cell> cells_;
    Memory normWeight_, normBias_;
    Memory sketch_, start_, products_, codes_;  // d, d, 6 d, L x d
    std::unique_ptr<Recording> recording_;      // null where there is a cluster
    UnrollCluster cluster_{};
    Memory byColumn_[UnrollCluster::kMostCells], step_;  // the cluster's weights; 2 x 6 d
};

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv

#endif
