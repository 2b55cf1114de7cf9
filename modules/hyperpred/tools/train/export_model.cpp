// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "export_model.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "architecture.hpp"
#include "error.hpp"
#include "hyper_model.hpp"
#include "model_file.hpp"
#include "settings.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

const int64_t kGoldenClasses = 4, kGoldenImages = 12;

// The classifier and the head's scalars belong to the training, not to the model.
bool belongsToModel(const std::string& name) {
    return name.compare(0, 11, "classifier.") != 0 && name.compare(0, 5, "head.") != 0;
}

Tensor plain(const torch::Tensor& tensor) {
    const torch::Tensor flat = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
    Tensor result;
    result.shape.assign(flat.sizes().begin(), flat.sizes().end());
    result.values.assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
    return result;
}

// What a reader of the file wants to know of its training; never paths of the machine it ran on.
Json summaryOf(const TrainState& state, const Settings& settings) {
    Json sets = Json::array();
    for (const DataRule& rule : settings.data) sets.push_back(rule.name);
    Json held = Json::array();
    for (const DataRule& rule : settings.validation) held.push_back(rule.name);
    Json configuration = Json::object();
    for (const auto& number : settings.numbers) configuration[number.first] = number.second;
    for (const auto& word : settings.words) {
        const bool path = word.first == "run.out" || word.first == "base.init" || word.first == "meta.init";
        if (!path) configuration[word.first] = word.second;
    }
    return {{"stage", state.stage},
            {"data_sets", sets},
            {"validation_sets", held},
            {"classes", state.classNames},
            {"steps", state.step},
            {"images_seen", state.images},
            {"seconds", std::round(state.seconds)},
            {"results", Json::parse(state.summary)},
            {"configuration", configuration}};
}

struct Model {
    Settings settings;
    Architecture architecture;
    Named weights;
    bool trained = false;
};

Model modelOf(TrainState& state, bool raw) {
    Model model;
    model.settings = parseSettings(state.settings, "the checkpoint's configuration", {});
    model.architecture = loadArchitecture(model.settings.architectureFile);
    model.trained = state.stage == "meta";
    for (const auto& entry : state.weights(raw)) {
        if (belongsToModel(entry.first)) model.weights[entry.first] = entry.second.detach().to(torch::kCPU);
    }
    return model;
}

// Smooth random images: noise at three scales, each class with a colour of its own, rounded to bytes.
torch::Tensor goldenImages(int64_t size, const torch::Tensor& labels, torch::Generator& chance) {
    torch::Tensor images = torch::zeros({labels.numel(), 3, size, size});
    for (const int64_t coarse : {int64_t(4), int64_t(8), size}) {
        const torch::Tensor noise = torch::randn({labels.numel(), 3, coarse, coarse}, chance, torch::kFloat);
        images = images + 30 * at::upsample_bilinear2d(noise, {size, size}, false);
    }
    const torch::Tensor colours = torch::rand({kGoldenClasses, 3, 1, 1}, chance, torch::kFloat) * 120 + 60;
    return (images + colours.index_select(0, labels)).clamp(0, 255).round();
}

void putWeights(std::map<std::string, Tensor>& tensors, const Architecture& architecture, const TargetWeights& weights,
                const Moments& moments) {
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const std::string stem = "weights." + node.name;
        if (node.op == Op::Conv) tensors[stem + ".kernel"] = plain(weights.kernel[i]);
        if (node.op != Op::BatchNorm) continue;
        tensors[stem + ".gamma"] = plain(weights.gamma[i]);
        tensors[stem + ".beta"] = plain(weights.beta[i]);
        tensors[stem + ".mean"] = plain(moments.mean.at(node.name));
        tensors[stem + ".variance"] = plain(moments.variance.at(node.name));
    }
}

}  // namespace

void exportModel(TrainState& state, const std::string& path, bool raw) {
    const Model model = modelOf(state, raw);
    Json hyper = Json::parse(toJson(model.settings.hyper));
    hyper["trained"] = model.trained;
    std::map<std::string, Tensor> tensors;
    for (const auto& entry : model.weights) tensors[entry.first] = plain(entry.second);
    const std::map<std::string, std::string> metadata = {{"format", "hyperpred-1"},
                                                         {"architecture", toJson(model.architecture)},
                                                         {"hypernetwork", hyper.dump()},
                                                         {"training", summaryOf(state, model.settings).dump()}};
    writeModelFile(path, metadata, tensors, StorageType::F16);
}

void exportGolden(TrainState& state, const std::string& path, bool raw) {
    const torch::NoGradGuard noGradient;
    Model model = modelOf(state, raw);
    for (auto& entry : model.weights) entry.second = entry.second.to(torch::kHalf).to(torch::kFloat);
    torch::Generator chance = torch::make_generator<at::CPUGeneratorImpl>(uint64_t(24));
    const torch::Tensor labels = torch::arange(kGoldenImages) % kGoldenClasses;
    const torch::Tensor images = goldenImages(model.architecture.size, labels, chance);
    std::map<std::string, Tensor> tensors;
    // One number a pixel, exact in float, since these files are committed.
    tensors["images"] = plain(images.select(1, 2) + 256 * images.select(1, 1) + 65536 * images.select(1, 0));
    tensors["labels"] = plain(labels);
    TargetWeights weights;
    if (model.trained) {
        const HyperConfig& config = model.settings.hyper;
        const torch::Tensor planes = encoderPlanes(images);
        const torch::Tensor sketch = sketchOf(config, model.weights, planes, labels, kGoldenClasses);
        const torch::Tensor codes = unrollCodes(config, model.architecture, model.weights, sketch);
        weights = predictWeights(config, model.architecture, model.weights, codes);
        tensors["sketch"] = plain(sketch);
        tensors["codes"] = plain(codes);
    } else {
        weights = baseWeights(model.architecture, model.weights);
    }
    Moments moments;
    const StageOutputs stages =
        forwardTarget(model.architecture, weights, normalised(model.architecture, images), &moments);
    putWeights(tensors, model.architecture, weights, moments);
    tensors["features"] = plain(torch::cat(stages.mean, 1));
    writeModelFile(path, {{"format", "hyperpred-golden-1"}}, tensors, StorageType::F32);
}

}  // namespace hyperpred
}  // namespace cv
