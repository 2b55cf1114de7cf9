// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cuda/network_pass.hpp"

#include <algorithm>

#include "cuda/image_feed.hpp"

namespace cv {
namespace hyperpred {
namespace cuda {

namespace {

int64_t wholeChunks(int count, int64_t chunk) {
    return blocksFor(count, chunk) * chunk;
}

size_t bytesOf(int64_t images, const Architecture& architecture) {
    return size_t(images) * size_t(architecture.size) * size_t(architecture.size) * 3;
}

// One group of images on its way, step by step, all of them in each step. T: float or Half.
template <class T>
class Group {
public:
    Group(const Architecture& architecture, const NetworkLayout& layout, const Plan& plan, MemoryPool& pool, int chunk,
          const std::vector<bool>& needed)
        : architecture_(architecture),
          layout_(layout),
          plan_(plan),
          pool_(pool),
          device_(pool.device()),
          chunk_(chunk),
          needed_(needed),
          held_(plan.steps.size()),
          readers_(plan.steps.size(), 0) {
        for (size_t i = 0; i < plan.steps.size(); ++i) {
            if (!needed[i]) continue;
            ++(plan.steps[i].source == kImageStep ? imageReaders_ : readers_[size_t(plan.steps[i].source)]);
            if (plan.steps[i].other == kImageStep) ++imageReaders_;
            if (plan.steps[i].other >= 0) ++readers_[size_t(plan.steps[i].other)];
        }
    }

    // Bytes -> normalised maps. `count` images and as many more as fill the last chunk, which is what `feed` sends.
    void begin(ImageFeed& feed, const uint8_t* bgr, int count) {
        count_ = count;
        images_ = wholeChunks(count, chunk_);
        const int64_t pixels = int64_t(architecture_.size) * architecture_.size;
        image_ = pool_.takeOf<T>(size_t(images_ * pixels * kLane));
        Normalise<T> task{};
        task.bgr = feed.send(bgr, size_t(count_ * pixels * 3));
        task.out = image_.as<T>();
        task.pixels = images_ * pixels;
        for (int c = 0; c < 3; ++c) {
            task.mean[c] = architecture_.mean[c];
            task.deviation[c] = architecture_.deviation[c];
        }
        launch(device_, task);
        feed.done();
    }

    // The step with its batch-norm's statistics from these very images.
    void calibrate(int index, DeviceNetwork& network) {
        const Step& step = plan_.steps[size_t(index)];
        StepWeights weights;
        if (step.op == Op::Conv) {
            weights.kernel = packKernel(architecture_, layout_, step, network, nullptr, pool_);
        }
        make(step, index, weights, false);
        if (step.batchNorm >= 0) {
            measure(step, index, network);
            affineOfStep(architecture_, layout_, step, network, pool_, weights);
        }
        finish(step, index, weights);
        letGo(step);
    }

    void run(int index, const StepWeights& weights) {
        const Step& step = plan_.steps[size_t(index)];
        if (!make(step, index, weights, true)) finish(step, index, weights);
        letGo(step);
    }

    // The step's activation pooled over space -> `out`, rows of `columns` features.
    void pool(int index, int channels, Pooling pooling, int64_t columns, float* out) const {
        SpatialMean<T, float> task{};
        task.in = held_[size_t(index)].template as<T>();
        task.out = out;
        task.from = plan_.steps[size_t(index)].to;
        task.channels = channels;
        task.stride = columns;
        task.images = count_;
        task.rms = pooling == Pooling::Rms;
        launch(device_, task);
    }
    // An activation that nothing else reads.
    void forget(int index) {
        if (readers_[size_t(index)] == 0) held_[size_t(index)] = Memory();
    }

private:
    const T* activation(int step) const { return (step == kImageStep ? image_ : held_[size_t(step)]).template as<T>(); }

    // The producer's work. True if the library did the rest of the step with it, which `whole` asks for.
    bool make(const Step& step, int index, const StepWeights& weights, bool whole) {
        held_[size_t(index)] = pool_.takeOf<T>(size_t(images_ * step.to.elements()));
        T* out = held_[size_t(index)].template as<T>();
        const T* in = activation(step.source);
        switch (step.op) {
            case Op::Conv: return convolve(step, weights, whole, in, out);
            case Op::MaxPool:
            case Op::AvgPool: poolWindows(step, in, out); break;
            case Op::GlobalPool: poolAll(step, in, out); break;
            default: device_.copy(out, in, size_t(images_ * step.to.elements()) * sizeof(T));
        }
        return false;
    }

    bool convolve(const Step& step, const StepWeights& weights, bool whole, const T* in, T* out) const {
        const Node& node = architecture_.nodes[size_t(step.node)];
        if (isDepthwise(node)) {
            convolveDepthwise(step, node, weights, whole, in, out);
            return whole;
        }
        ConvolutionTask task;
        task.half = sizeof(T) == sizeof(Half);
        task.images = chunk_;
        task.from = step.from;
        task.to = step.to;
        task.edge = node.kernel;
        task.stride = node.stride;
        task.pad = node.pad;
        task.kernel = weights.kernel.template as<T>();
        task.shift = weights.shift.floats();
        task.relu = step.relu;
        const T* other = step.other == kNoStep ? nullptr : activation(step.other);
        bool fused = whole && (task.shift || other || task.relu);
        for (int64_t first = 0; first < images_; first += chunk_) {
            task.in = in + first * step.from.elements();
            task.out = out + first * step.to.elements();
            task.other = other ? other + first * step.to.elements() : nullptr;
            // The answer is the same for every chunk, since only the addresses differ.
            if (fused) fused = device_.convolveAndFinish(task);
            if (!fused) device_.convolve(task);
        }
        return fused || (whole && !task.shift && !other && !task.relu);
    }

    // By an own kernel on every device: libraries spend matrix routines on it.
    void convolveDepthwise(const Step& step, const Node& node, const StepWeights& weights, bool whole, const T* in,
                           T* out) const {
        DepthwiseConvolution<T> task{};
        task.in = in;
        task.kernel = weights.kernel.template as<T>();
        task.out = out;
        if (whole) {
            task.shift = weights.shift.floats();
            task.other = step.other == kNoStep ? nullptr : activation(step.other);
            task.relu = step.relu;
        }
        task.from = step.from;
        task.to = step.to;
        task.edge = node.kernel;
        task.stride = node.stride;
        task.pad = node.pad;
        task.images = images_;
        launch(device_, task);
    }

    void poolWindows(const Step& step, const T* in, T* out) const {
        const Node& node = architecture_.nodes[size_t(step.node)];
        Pool<T> task{};
        task.in = in;
        task.out = out;
        task.from = step.from;
        task.to = step.to;
        task.kernel = node.kernel;
        task.stride = node.stride;
        task.pad = node.pad;
        task.greatest = step.op == Op::MaxPool;
        task.images = images_;
        launch(device_, task);
    }

    void poolAll(const Step& step, const T* in, T* out) const {
        SpatialMean<T, T> task{};
        task.in = in;
        task.out = out;
        task.from = step.from;
        task.channels = step.to.channels;
        task.stride = step.to.channels;
        task.images = images_;
        launch(device_, task);
    }

    void measure(const Step& step, int index, DeviceNetwork& network) const {
        ColumnMoments<T> slices{};
        slices.values = activation(index);
        slices.rows = count_ * step.to.pixels();  // without the images that only fill the chunk
        slices.channels = step.to.channels;
        const int64_t count = slices.slices(slices.rows);
        const Memory sums = pool_.takeOf<double>(size_t(2 * count * slices.channels));
        slices.sum = sums.as<double>();
        slices.squares = sums.as<double>() + count * slices.channels;
        launch(device_, slices);

        FinishMoments whole{};
        whole.sum = slices.sum;
        whole.squares = slices.squares;
        whole.slices = count;
        whole.rows = double(slices.rows);
        whole.channels = architecture_.nodes[size_t(step.batchNorm)].shape.channels;
        whole.padded = slices.channels;
        whole.mean = network.mean.floats() + layout_.norm[size_t(step.batchNorm)];
        whole.variance = network.variance.floats() + layout_.norm[size_t(step.batchNorm)];
        launch(device_, whole);
    }

    void finish(const Step& step, int index, const StepWeights& weights) const {
        Finish<T> task{};
        task.values = held_[size_t(index)].template as<T>();
        task.scale = weights.scale.floats();
        task.shift = weights.shift.floats();
        if (step.other != kNoStep) task.other = activation(step.other);
        task.relu = step.relu;
        task.channels = step.to.channels;
        task.pixels = images_ * step.to.pixels();
        if (task.scale || task.shift || task.other || task.relu) launch(device_, task);
    }

    void letGo(const Step& step) {
        for (const int before : {step.source, step.other}) {
            if (before == kNoStep) continue;
            int& readers = before == kImageStep ? imageReaders_ : readers_[size_t(before)];
            if (--readers > 0) continue;
            (before == kImageStep ? image_ : held_[size_t(before)]) = Memory();
        }
    }

    const Architecture& architecture_;
    const NetworkLayout& layout_;
    const Plan& plan_;
    MemoryPool& pool_;
    Device& device_;
    int64_t chunk_, count_ = 0, images_ = 0;
    const std::vector<bool>& needed_;
    Memory image_;
    std::vector<Memory> held_;  // activation of each step, empty before and after its time
    std::vector<int> readers_;  // steps that are still to read each activation
    int imageReaders_ = 0;
};

// Which steps' pooled outputs become which columns.
struct Columns {
    Columns(const Architecture& architecture, const Plan& plan, const FeatureChoice& choice)
        : first(plan.steps.size(), -1), channels(plan.steps.size(), 0), pooling(choice.pooling) {
        for (const int stage : choice.stages) {
            const size_t step = size_t(plan.stepOf[size_t(stage) - 1]);
            first[step] = all;
            channels[step] = architecture.nodes[size_t(plan.steps[step].last)].shape.channels;
            all += channels[step];
        }
    }
    std::vector<int64_t> first;  // of each step, or -1
    std::vector<int> channels;
    Pooling pooling;
    int64_t all = 0;
};

template <class T>
void takeFeatures(Group<T>& group, int step, const Columns& columns, float* rows) {
    const int64_t first = columns.first[size_t(step)];
    if (first >= 0) group.pool(step, columns.channels[size_t(step)], columns.pooling, columns.all, rows + first);
    group.forget(step);
}

void fetchRows(MemoryPool& pool, const Memory& rows, int64_t values, float* out) {
    if (values > 0) pool.device().download(out, rows.floats(), size_t(values) * sizeof(float));
}

int64_t stepFlops(const Architecture& architecture, const Step& step) {
    return nodeCost(architecture, architecture.nodes[size_t(step.node)]).flops;
}

template <class T>
Memory calibrateAll(const Architecture& architecture, const NetworkLayout& layout, const Plan& plan, MemoryPool& pool,
                    int chunk, DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice,
                    float* out, const std::function<void(double)>& progress) {
    const Columns columns(architecture, plan, choice);
    const std::vector<bool> needed(plan.steps.size(), true);
    Memory rows = pool.takeOf<float>(size_t(images.count * columns.all));
    Group<T> group(architecture, layout, plan, pool, chunk, needed);
    ImageFeed feed(pool, bytesOf(wholeChunks(images.count, chunk), architecture));
    group.begin(feed, images.pixels, images.count);
    int64_t all = 0, done = 0;
    for (const Step& step : plan.steps) all += stepFlops(architecture, step);
    for (size_t i = 0; i < plan.steps.size(); ++i) {
        group.calibrate(int(i), network);
        takeFeatures(group, int(i), columns, rows.floats());
        done += stepFlops(architecture, plan.steps[i]);
        if (!progress) continue;
        pool.device().finish();
        progress(all > 0 ? double(done) / double(all) : double(i + 1) / double(plan.steps.size()));
    }
    fetchRows(pool, rows, images.count * columns.all, out);
    return rows;
}

template <class T>
Memory passAll(const Architecture& architecture, const NetworkLayout& layout, const Plan& plan, MemoryPool& pool,
               int chunk, const DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice,
               float* out) {
    const Columns columns(architecture, plan, choice);
    const std::vector<bool> needed = neededSteps(plan.steps, plan.stepOf, choice.stages);
    ImageFeed feed(pool, bytesOf(chunk, architecture));
    Memory rows = pool.takeOf<float>(size_t(images.count * columns.all));
    for (int first = 0; first < images.count; first += chunk) {
        Group<T> group(architecture, layout, plan, pool, chunk, needed);
        group.begin(feed, images.pixels + bytesOf(first, architecture), std::min(chunk, images.count - first));
        for (size_t i = 0; i < plan.steps.size(); ++i) {
            if (!needed[i]) continue;
            group.run(int(i), network.steps[i]);
            takeFeatures(group, int(i), columns, rows.floats() + first * columns.all);
        }
    }
    fetchRows(pool, rows, images.count * columns.all, out);
    return rows;
}

}  // namespace

Memory NetworkPass::calibrate(DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice, float* out,
                              const std::function<void(double)>& progress) const {
    network.calibrated = network.folded = false;
    network.steps.clear();
    const auto run = network.half ? calibrateAll<Half> : calibrateAll<float>;
    Memory rows = run(architecture_, layout_, plan_, pool_, chunk_, network, images, choice, out, progress);
    network.calibrated = true;
    return rows;
}

Memory NetworkPass::features(const DeviceNetwork& network, const ImageBatch& images, const FeatureChoice& choice,
                             float* out) const {
    foldNetwork(architecture_, layout_, plan_, pool_, network);
    const auto run = network.half ? passAll<Half> : passAll<float>;
    return run(architecture_, layout_, plan_, pool_, chunk_, network, images, choice, out);
}

}  // namespace cuda
}  // namespace hyperpred
}  // namespace cv
