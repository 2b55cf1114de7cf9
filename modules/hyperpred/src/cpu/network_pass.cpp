// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cpu/network_pass.hpp"

#include <algorithm>

#include "cpu/kernels.hpp"
#include "cpu/maps.hpp"

namespace cv {
namespace hyperpred {
namespace cpu {

NetworkPass::NetworkPass(const Architecture& architecture, const Plan& plan,
                         const std::vector<StepParameters>& parameters, BufferPool& pool)
    : architecture_(architecture),
      plan_(plan),
      parameters_(parameters),
      pool_(pool),
      needed_(plan.steps.size(), true),
      column_(plan.steps.size(), -1) {
    countReaders();
}

void NetworkPass::countReaders() {
    readers_.assign(plan_.steps.size(), 0);
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
        if (!needed_[i]) continue;
        for (const int before : {plan_.steps[i].source, plan_.steps[i].other}) {
            if (before >= 0) ++readers_[size_t(before)];
        }
    }
}

void NetworkPass::collect(const FeatureChoice& choice) {
    pooling_ = choice.pooling;
    for (const int stage : choice.stages) {
        const size_t step = size_t(plan_.stepOf[size_t(stage) - 1]);
        column_[step] = int(columns_);
        columns_ += size_t(plan_.steps[step].shape.channels);
    }
}

void NetworkPass::collectOnly(const FeatureChoice& choice) {
    collect(choice);
    needed_ = neededSteps(plan_.steps, plan_.stepOf, choice.stages);
    countReaders();
}

Chunk NetworkPass::begin(const uint8_t* pixels, int images, float* features) const {
    Chunk chunk;
    chunk.pixels = pixels;
    chunk.images = images;
    chunk.features = features;
    chunk.held.resize(plan_.steps.size());
    chunk.readers = readers_;
    chunk.stage.assign(plan_.steps.size(), Chunk::Stage::Raw);
    return chunk;
}

Scratch NetworkPass::takeScratch() const {
    Scratch scratch;
    scratch.convolution = pool_.take(plan_.convolutionScratch);
    scratch.raw = pool_.take(plan_.rawScratch);
    const size_t size = size_t(architecture_.size);
    scratch.image = pool_.take(3 * size * size * size_t(plan_.chunk));
    return scratch;
}

void NetworkPass::giveBack(Scratch scratch) const {
    pool_.giveBack(std::move(scratch.convolution));
    pool_.giveBack(std::move(scratch.raw));
    pool_.giveBack(std::move(scratch.image));
}

void NetworkPass::run(int index, Chunk& chunk, Scratch& scratch, Moments* moments) const {
    const Step& step = plan_.steps[size_t(index)];
    const float* in = input(step.source, chunk, scratch);
    Buffer made = pool_.take(floats(step.shape, chunk));
    float* out = made.data();
    switch (step.op) {
        case Op::Conv: convolve(index, chunk, scratch, in, moments, out); break;
        case Op::MaxPool:
            maxPool(in, step.in, chunk.images, architecture_.nodes[size_t(step.node)], nullptr, out);
            break;
        case Op::AvgPool: avgPool(in, step.in, chunk.images, architecture_.nodes[size_t(step.node)], out); break;
        case Op::GlobalPool: spatialMean(in, step.in, chunk.images, out, size_t(step.shape.channels)); break;
        default: std::copy(in, in + floats(step.shape, chunk), out); break;
    }
    if (moments && step.op != Op::Conv) {
        moments->add(out, floats(step.shape, chunk) / size_t(step.shape.channels), step.shape.channels);
    }
    chunk.held[size_t(index)] = std::move(made);
    letGo(step.source, chunk);
}

void NetworkPass::convolve(int index, Chunk& chunk, Scratch& scratch, const float* in, Moments* moments,
                           float* out) const {
    const Step& step = plan_.steps[size_t(index)];
    const StepParameters& parameters = parameters_[size_t(index)];
    if (step.pool >= 0) {
        convolveAndPool(index, chunk, scratch, in, moments, out);
        return;
    }
    Epilogue epilogue;
    if (parameters.folded) {
        epilogue.bias = parameters.shift.data();
        if (step.other != kNoStep) epilogue.other = input(step.other, chunk, scratch);
        epilogue.relu = step.relu;
    }
    step.convolution->run(parameters.kernel, in, chunk.images, epilogue, out, scratch.convolution.data());
    if (moments) moments->add(out, floats(step.raw, chunk) / size_t(step.raw.channels), step.raw.channels);
    if (!parameters.folded) return;
    if (step.other != kNoStep) letGo(step.other, chunk);
    chunk.stage[size_t(index)] = Chunk::Stage::Applied;
}

// Image by image: the map before pooling is the largest of most networks and is soon cold.
void NetworkPass::convolveAndPool(int index, const Chunk& chunk, Scratch& scratch, const float* in, Moments* moments,
                                  float* out) const {
    const Step& step = plan_.steps[size_t(index)];
    const StepParameters& parameters = parameters_[size_t(index)];
    Epilogue epilogue;
    if (parameters.folded) epilogue.bias = parameters.shift.data();
    const float* signs = parameters.signs.empty() ? nullptr : parameters.signs.data();
    for (int n = 0; n < chunk.images; ++n, in += elements(step.in), out += elements(step.shape)) {
        float* raw = scratch.raw.data();
        step.convolution->run(parameters.kernel, in, 1, epilogue, raw, scratch.convolution.data());
        if (moments) moments->add(raw, elements(step.raw) / size_t(step.raw.channels), step.raw.channels);
        maxPool(raw, step.raw, 1, architecture_.nodes[size_t(step.pool)], signs, out);
    }
}

void NetworkPass::finish(int index, Chunk& chunk, Scratch& scratch) const {
    const Step& step = plan_.steps[size_t(index)];
    const StepParameters& parameters = parameters_[size_t(index)];
    if (chunk.stage[size_t(index)] == Chunk::Stage::Raw) {
        FinishTask task;
        task.values = chunk.held[size_t(index)].data();
        task.channels = step.shape.channels;
        task.pixels = floats(step.shape, chunk) / size_t(task.channels);
        if (parameters.scale.size() > 0) {
            task.scale = parameters.scale.data();
            task.shift = parameters.shift.data();
        }
        if (step.other != kNoStep) task.other = input(step.other, chunk, scratch);
        task.relu = step.relu;
        if (task.scale || task.other || task.relu) kernels().finish(task);
        if (step.other != kNoStep) letGo(step.other, chunk);
    }
    chunk.stage[size_t(index)] = Chunk::Stage::Finished;
    takeFeatures(index, chunk);
    if (chunk.readers[size_t(index)] == 0) pool_.giveBack(std::move(chunk.held[size_t(index)]));
}

void NetworkPass::finishRest(Chunk& chunk, Scratch& scratch) const {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
        if (needed_[i] && chunk.stage[i] != Chunk::Stage::Finished) finish(int(i), chunk, scratch);
    }
}

const float* NetworkPass::input(int step, Chunk& chunk, Scratch& scratch) const {
    if (step == kImageStep) {
        normalise(architecture_, chunk.pixels, chunk.images, scratch.image.data());
        return scratch.image.data();
    }
    if (chunk.stage[size_t(step)] != Chunk::Stage::Finished) finish(step, chunk, scratch);
    return chunk.held[size_t(step)].data();
}

void NetworkPass::letGo(int step, Chunk& chunk) const {
    if (step < 0 || --chunk.readers[size_t(step)] > 0) return;
    pool_.giveBack(std::move(chunk.held[size_t(step)]));
}

void NetworkPass::takeFeatures(int index, const Chunk& chunk) const {
    if (column_[size_t(index)] < 0) return;
    const Step& step = plan_.steps[size_t(index)];
    const auto pool = pooling_ == Pooling::Rms ? spatialRms : spatialMean;
    pool(chunk.held[size_t(index)].data(), step.shape, chunk.images, chunk.features + column_[size_t(index)], columns_);
}

}  // namespace cpu
}  // namespace hyperpred
}  // namespace cv
