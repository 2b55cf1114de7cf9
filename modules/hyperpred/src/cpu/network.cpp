// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/network.hpp"

#include <algorithm>
#include <cmath>

namespace cv {
namespace hyperpred {
namespace cpu {

namespace {

// Chunks that one worker takes through the network side by side, step by step: a step's weights are then read from
// memory once for all of them.
const int kGroup = 2;

// y = scale x + shift of a calibrated batch-norm.
struct Affine {
    std::vector<float> scale, shift;
};
Affine affineOf(const NodeWeights& batchNorm) {
    Affine affine;
    for (size_t c = 0; c < batchNorm.gamma.size(); ++c) {
        const double scale =
            double(batchNorm.gamma[c]) / std::sqrt(double(batchNorm.variance[c]) + double(kBatchNormEpsilon));
        affine.scale.push_back(float(scale));
        affine.shift.push_back(float(double(batchNorm.beta[c]) - double(batchNorm.mean[c]) * scale));
    }
    return affine;
}

void setAffine(StepParameters& parameters, const NodeWeights& batchNorm) {
    const Affine affine = affineOf(batchNorm);
    const int channels = int(affine.scale.size());
    parameters.scale = paddedToPanel(affine.scale.data(), channels);
    parameters.shift = paddedToPanel(affine.shift.data(), channels);
}

// As an ordinary pass wants it: a batch-norm that follows a convolution goes into its kernel.
StepParameters foldedStep(const Step& step, const NetworkWeights& weights, const Workers& workers) {
    StepParameters parameters;
    if (step.batchNorm >= 0) setAffine(parameters, weights[size_t(step.batchNorm)]);
    if (step.op != Op::Conv) return parameters;
    const float* scale = step.batchNorm >= 0 ? parameters.scale.data() : nullptr;
    parameters.kernel = step.convolution->pack(weights[size_t(step.node)].kernel.values.data(), scale, workers);
    parameters.scale = Buffer();
    parameters.folded = true;
    return parameters;
}

// As calibration wants it: before the statistics of the step's own batch-norm are known.
StepParameters rawStep(const Step& step, const NetworkWeights& weights, const Workers& workers) {
    StepParameters parameters;
    if (step.op != Op::Conv) return parameters;
    parameters.kernel = step.convolution->pack(weights[size_t(step.node)].kernel.values.data(), nullptr, workers);
    parameters.folded = step.batchNorm < 0;
    if (step.batchNorm >= 0 && step.pool >= 0) {
        for (const float gamma : weights[size_t(step.batchNorm)].gamma) {
            parameters.signs.push_back(gamma < 0 ? -1.f : 1.f);
        }
    }
    return parameters;
}

int64_t stepFlops(const Architecture& architecture, const Step& step) {
    return nodeCost(architecture, architecture.nodes[size_t(step.node)]).flops;
}

// One run over all images for one step after the other.
class Calibration {
public:
    Calibration(const Architecture& architecture, const Plan& plan, const Workers& workers, CpuNetwork& network)
        : architecture_(architecture),
          plan_(plan),
          workers_(workers),
          network_(network),
          parameters_(plan.steps.size()),
          pass_(architecture, plan, parameters_, pool_) {}

    void operator()(const ImageBatch& images, const FeatureChoice& choice, float* features,
                    const std::function<void(double)>& progress) {
        pass_.collect(choice);
        const size_t columns = size_t(featureCount(architecture_, choice.stages));
        const size_t imageBytes = size_t(images.size) * size_t(images.size) * 3;
        for (int first = 0; first < images.count; first += plan_.chunk) {
            chunks_.push_back(pass_.begin(images.pixels + size_t(first) * imageBytes,
                                          std::min(plan_.chunk, images.count - first),
                                          features + size_t(first) * columns));
        }
        int64_t all = 0, done = 0;
        for (const Step& step : plan_.steps) all += stepFlops(architecture_, step);
        for (size_t i = 0; i < plan_.steps.size(); ++i) {
            calibrateStep(int(i));
            done += stepFlops(architecture_, plan_.steps[i]);
            if (progress) progress(double(done) / double(all));
        }
        forEachChunk([&](int chunk, Scratch& scratch) { pass_.finishRest(chunks_[size_t(chunk)], scratch); });
    }

private:
    template <class Task>
    void forEachChunk(const Task& task) {
        std::vector<Scratch> scratches(static_cast<size_t>(workers_.count()));
        for (Scratch& scratch : scratches) scratch = pass_.takeScratch();
        workers_.forEach(int(chunks_.size()), [&](int chunk, int worker) { task(chunk, scratches[size_t(worker)]); });
        for (Scratch& scratch : scratches) pass_.giveBack(std::move(scratch));
    }

    void calibrateStep(int index) {
        const Step& step = plan_.steps[size_t(index)];
        StepParameters& parameters = parameters_[size_t(index)];
        parameters = rawStep(step, network_.weights, workers_);
        std::vector<Moments> moments(chunks_.size());
        forEachChunk([&](int chunk, Scratch& scratch) {
            Moments* own = step.batchNorm >= 0 ? &moments[size_t(chunk)] : nullptr;
            pass_.run(index, chunks_[size_t(chunk)], scratch, own);
        });
        parameters.kernel = Buffer();
        if (step.batchNorm < 0) return;
        // In the order of the chunks, whoever computed them.
        Moments sum;
        for (const Moments& part : moments) sum.add(part);
        NodeWeights& batchNorm = network_.weights[size_t(step.batchNorm)];
        batchNorm.mean.assign(sum.mean.begin(), sum.mean.end());
        batchNorm.variance.clear();
        for (const double squares : sum.squares) batchNorm.variance.push_back(float(squares / sum.count));
        setAffine(parameters, batchNorm);
    }

    const Architecture& architecture_;
    const Plan& plan_;
    const Workers& workers_;
    CpuNetwork& network_;
    std::vector<StepParameters> parameters_;
    BufferPool pool_;
    NetworkPass pass_;
    std::vector<Chunk> chunks_;
};

}  // namespace

const std::vector<StepParameters>& CpuNetwork::folded(const Plan& plan, const Workers& workers) const {
    const std::lock_guard<std::mutex> lock(lock_);
    if (folded_.empty()) {
        std::vector<StepParameters> steps;
        for (const Step& step : plan.steps) steps.push_back(foldedStep(step, weights, workers));
        folded_ = std::move(steps);
    }
    return folded_;
}

void calibrateNetwork(const Architecture& architecture, const Plan& plan, const Workers& workers, CpuNetwork& network,
                      const ImageBatch& images, const FeatureChoice& choice, float* features,
                      const std::function<void(double)>& progress) {
    network.forgetFolded();
    for (const Step& step : plan.steps) {
        if (step.batchNorm >= 0) network.weights[size_t(step.batchNorm)].mean.clear();
    }
    Calibration(architecture, plan, workers, network)(images, choice, features, progress);
}

void forwardNetwork(const Architecture& architecture, const Plan& plan, const Workers& workers, BufferPool& pool,
                    const CpuNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* features) {
    NetworkPass pass(architecture, plan, network.folded(plan, workers), pool);
    pass.collectOnly(choice);
    const size_t columns = size_t(featureCount(architecture, choice.stages));
    const size_t imageBytes = size_t(images.size) * size_t(images.size) * 3;
    const int chunks = (images.count + plan.chunk - 1) / plan.chunk;
    // Larger groups read the weights less often, but every worker needs one. No number depends on the grouping.
    const int group = std::max(1, std::min(kGroup, (chunks + workers.count() - 1) / workers.count()));
    workers.forEach((chunks + group - 1) / group, [&](int index, int) {
        std::vector<Chunk> together;
        for (int c = index * group; c < std::min(chunks, (index + 1) * group); ++c) {
            const size_t first = size_t(c) * size_t(plan.chunk);
            together.push_back(pass.begin(images.pixels + first * imageBytes,
                                          std::min(plan.chunk, images.count - int(first)), features + first * columns));
        }
        Scratch scratch = pass.takeScratch();
        for (size_t i = 0; i < plan.steps.size(); ++i) {
            if (!pass.needed()[i]) continue;
            for (Chunk& chunk : together) pass.run(int(i), chunk, scratch, nullptr);
        }
        for (Chunk& chunk : together) pass.finishRest(chunk, scratch);
        pass.giveBack(std::move(scratch));
    });
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
