// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "backend.hpp"

#include <iostream>
#include <mutex>

#include "cpu/cpu_backend.hpp"
#include "cuda/cuda_backend.hpp"
#include "error.hpp"
#include "fallback_backend.hpp"
#include "opencv_core.hpp"
#include "reference/reference_backend.hpp"

namespace cv {
namespace hyperpred {

namespace {

int threadsOr(int threads) {
    return threads > 0 ? threads : cv::getNumThreads();
}

std::unique_ptr<Backend> createNamedCuda(const std::string& name, std::shared_ptr<const HyperNetwork> hypernetwork,
                                         int threads) {
    const CudaChoice choice = parseCudaName(name);
    try {
        return createCudaBackend(std::move(hypernetwork), choice, threadsOr(threads));
    } catch (const DeviceFailure& failure) {
        fail(failure.kind() == DeviceFailure::Kind::OutOfMemory ? Failure::NoMemory : Failure::Unsupported,
             "backend \"" + name + "\": " + failure.what() + "; backend \"cpu\" gives the same predictions");
    }
}

// A build with CUDA says once a process why it works without.
void sayWhyNoCuda(const std::string& reason) {
    static std::once_flag once;
    std::call_once(once, [&] { std::cerr << "hyperpred: " << reason << "; the CPU is used\n"; });
}

std::unique_ptr<Backend> createBest(const std::shared_ptr<const HyperNetwork>& hypernetwork, int threads) {
    if (cudaBackendBuilt()) {
        try {
            return createCudaBackend(hypernetwork, CudaChoice(), threadsOr(threads));
        } catch (const DeviceFailure& failure) {
            sayWhyNoCuda(failure.what());
        }
    }
    return createCpuBackend(hypernetwork, threadsOr(threads));
}

}  // namespace

std::unique_ptr<Backend> createBackend(const std::string& name, std::shared_ptr<const HyperNetwork> hypernetwork,
                                       int threads) {
    if (threads < 0) fail(Failure::OutOfRange, "threads is " + std::to_string(threads) + ", must be 0 or more");
    if (name == "reference") return createReferenceBackend(std::move(hypernetwork));
    if (name == "cpu") return createCpuBackend(std::move(hypernetwork), threadsOr(threads));
    if (name == "auto") return createBest(hypernetwork, threads);
    if (isCudaName(name)) return createNamedCuda(name, std::move(hypernetwork), threads);
    fail(Failure::Unsupported, "backend \"" + name + "\" is not known; known are auto, cpu, cuda and reference");
}

std::vector<std::string> availableBackends() {
    std::vector<std::string> names = {"reference", "cpu"};
    if (cudaUnavailableReason(0).empty()) {
        names.push_back("cuda");
        names.push_back("cuda:exact");
    }
    return names;
}

bool Backend::sumRows(const FeatureRows&, double*, double*) {
    return false;
}

std::unique_ptr<BackendNetwork> Backend::upload(const NetworkWeights&) {
    fail(Failure::Unsupported, device() + " takes no weights from outside");
}

NetworkWeights Backend::statistics(const BackendNetwork& network) const {
    NetworkWeights weights = download(network);
    for (NodeWeights& node : weights) {
        NodeWeights kept;
        kept.mean = std::move(node.mean);
        kept.variance = std::move(node.variance);
        node = std::move(kept);
    }
    return weights;
}

void checkImages(const ImageBatch& images) {
    if (images.pixels != nullptr && images.count >= 1 && images.size >= 1) return;
    fail(Failure::BadArgument, "a batch of " + std::to_string(images.count) + " images of edge " +
                                   std::to_string(images.size) + (images.pixels ? "" : " without pixels") +
                                   "; at least one image is needed");
}

void checkPass(const Architecture& architecture, const ImageBatch& images, const std::vector<int>& stages) {
    checkImages(images);
    if (images.size != architecture.size) {
        fail(Failure::BadArgument, "images of edge " + std::to_string(images.size) + " for architecture \"" +
                                       architecture.name + "\", which reads " + std::to_string(architecture.size));
    }
    featureCount(architecture, stages);  // checks the range
    for (size_t i = 0; i < stages.size(); ++i) {
        if (i > 0 && stages[i] <= stages[i - 1]) fail(Failure::BadArgument, "stages must ascend");
    }
    if (stages.empty()) fail(Failure::BadArgument, "no stage is asked for; at least one is needed");
}

namespace {

void checkTrained(const HyperNetwork& hypernetwork) {
    if (hypernetwork.trained) return;
    fail(Failure::BadArgument,
         "the model holds base weights alone (\"trained\": false), there is no hypernetwork to "
         "predict with");
}

}  // namespace

void checkSketch(const HyperNetwork& hypernetwork, const std::vector<float>& sketch) {
    checkTrained(hypernetwork);
    if (sketch.size() == size_t(hypernetwork.recurrent.width)) return;
    fail(Failure::BadArgument, "a sketch of " + std::to_string(sketch.size()) + " numbers, the recurrent cell takes " +
                                   std::to_string(hypernetwork.recurrent.width));
}

void checkCodes(const HyperNetwork& hypernetwork, const std::vector<float>& codes) {
    if (codes.empty()) {
        if (!hypernetwork.generators.pure) return;
        fail(Failure::BadArgument, "no codes: a hypernetwork of the pure form has no base weights");
    }
    checkTrained(hypernetwork);
    const size_t expected = hypernetwork.generators.layers.size() * size_t(hypernetwork.config.width);
    if (codes.size() == expected) return;
    fail(Failure::BadArgument,
         std::to_string(codes.size()) + " numbers of codes, the generators take " + std::to_string(expected));
}

void checkCalibrated(const Architecture& architecture, const NetworkWeights& weights) {
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        if (node.op != Op::BatchNorm || weights[i].mean.size() == size_t(node.shape.channels)) continue;
        fail(Failure::BadArgument, "batch_norm \"" + node.name + "\" of \"" + architecture.name +
                                       "\" has no statistics yet: features need a calibrated network");
    }
}

}  // namespace hyperpred
}  // namespace cv
