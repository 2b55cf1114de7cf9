// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_BACKEND_HPP
#define HYPERPRED_BACKEND_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "feature_choice.hpp"
#include "hypernetwork.hpp"

namespace cv {
namespace hyperpred {

// N images of size x size pixels, BGR bytes, contiguous.
struct ImageBatch {
    const uint8_t* pixels = nullptr;
    int count = 0;
    int size = 0;
};

// A target network's weights where the backend keeps them. Only the backend that made it can read it.
class BackendNetwork {
public:
    virtual ~BackendNetwork() = default;
};

// Features of one pass that a backend still holds. Only a hint, which may be lost at any time: whoever gives it back
// has the same rows in host memory. Only the backend that made it can read it.
class BackendRows {
public:
    virtual ~BackendRows() = default;
};
using KeptRows = std::shared_ptr<const BackendRows>;

// Labelled features, N x p, as a backend reads them.
struct FeatureRows {
    // Rows first .. first + count - 1 are the rows from .. from + count - 1 of what was kept.
    struct Run {
        int first = 0, count = 0;
        KeptRows kept;
        int from = 0;
    };
    int rows = 0, columns = 0, classes = 0;
    const int* labels = nullptr;                                 // N, 0 .. classes - 1
    std::function<void(int first, int count, float* out)> read;  // count x p, from host memory
    std::vector<Run> runs;                                       // ascending, without overlap; gaps are read
};

// The one seam between host logic and device: everything above it is the same for each backend, and nothing above it
// asks which one it is. A backend is bound to one hypernetwork, whose weights it may keep on its device. Results
// depend on the arguments alone: never on threads, time or earlier calls.
class Backend {
public:
    virtual ~Backend() = default;

    virtual std::string device() const = 0;  // "CPU, AMD EPYC 9575F, 2 threads, AVX-512"

    // Per-image features of the sketch encoder, N x E.
    virtual std::vector<float> encode(const ImageBatch& images) = 0;
    // Sketch (d) -> codes, L x d: row l belongs to layer l (paper, section 3.3).
    virtual std::vector<float> unroll(const std::vector<float>& sketch) = 0;
    // Codes -> weights. Empty codes give the base weights (residual form only). Batch-norm is not calibrated yet.
    virtual std::unique_ptr<BackendNetwork> generate(const std::vector<float>& codes) = 0;
    // Breadth-first pass of the sample: sets every batch_norm's mean and variance from the data itself and returns
    // the sample's features, N x p. `progress` gets the share done in 0..1 and stops the pass with an exception of its
    // own.
    virtual std::vector<float> calibrate(BackendNetwork& network, const ImageBatch& sample, const FeatureChoice& choice,
                                         const std::function<void(double)>& progress = {},
                                         KeptRows* kept = nullptr) = 0;
    // Ordinary pass with the calibrated statistics: `out` gets N x p features. `kept`, here and above: null, or gets
    // the same rows where the backend holds on to them and is left alone where not.
    virtual void features(const BackendNetwork& network, const ImageBatch& images, const FeatureChoice& choice,
                          float* out, KeptRows* kept = nullptr) = 0;
    // Adds X^T X (p x p, full symmetric matrix) of `rows` x `columns` features to `sum`, in a fixed order.
    virtual void gram(const float* features, int rows, int columns, double* sum) = 0;
    // Class sums (C x p) and X^T X (p x p) of a whole table, for a backend to which the way from host memory is long.
    // In double, in an order that depends on the table alone. False: the caller is to add up itself, with gram().
    virtual bool sumRows(const FeatureRows& rows, double* sums, double* gram);
    // The weights in host memory, exactly as features() uses them before folding.
    virtual NetworkWeights download(const BackendNetwork& network) const = 0;
    // The other way: what download() gave, here or of another backend of the same hypernetwork. A backend need not.
    virtual std::unique_ptr<BackendNetwork> upload(const NetworkWeights& weights);
    // Mean and variance of each batch_norm alone, empty before calibration.
    virtual NetworkWeights statistics(const BackendNetwork& network) const;

    // For measurements: returns when all that was asked for is done, and tells how it is done (which routines).
    virtual void finish() {}
    virtual std::string routines() const { return {}; }
};

// Names: "reference" (plain loops), "cpu", "cuda" (half precision in the network; "cuda:1" the second device,
// "cuda:exact" and "cuda:1:exact" in float, "cuda:fused" and "cuda:1:fused" with convolutions that are compiled for the
// network, which takes seconds and pays for many images), "auto" (cuda where one works, else cpu; says once on stderr
// where this build has CUDA and the machine has not). `threads` 0: OpenCV's current number. Throws Failure::Unsupported
// when the named backend is not in this build or has no device.
std::unique_ptr<Backend> createBackend(const std::string& name, std::shared_ptr<const HyperNetwork> hypernetwork,
                                       int threads = 0);
std::vector<std::string> availableBackends();
// Backend::gram of the CPU, for what has no hypernetwork; the bits do not depend on the number of threads.
void addGramOnCpu(const float* rows, int count, int columns, double* sum);

// What every backend checks before it starts; each throws with a sentence.
void checkImages(const ImageBatch& images);
void checkPass(const Architecture& architecture, const ImageBatch& images, const std::vector<int>& stages);
void checkSketch(const HyperNetwork& hypernetwork, const std::vector<float>& sketch);
void checkCodes(const HyperNetwork& hypernetwork, const std::vector<float>& codes);  // may be empty, residual form
void checkCalibrated(const Architecture& architecture, const NetworkWeights& weights);

}  // namespace hyperpred
}  // namespace cv

#endif
