// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "hypernetwork.hpp"

#include <cmath>
#include <set>
#include <vector>

#include "error.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

using Json = nlohmann::ordered_json;

namespace {

const size_t kMaxConfigBytes = 65536;
const size_t kMaxTrainingBytes = size_t(1) << 20;
const size_t kMaxNesting = 32;
const char kFormat[] = "hyperpred-1";

struct IntegerKey {
    const char* name;
    int HyperConfig::*member;
    int lowest, highest;
};
const IntegerKey kIntegers[] = {{"width", &HyperConfig::width, 1, 4096},
                                {"layers", &HyperConfig::layers, 1, 2},
                                {"embedding", &HyperConfig::embedding, 1, 4096},
                                {"rank", &HyperConfig::rank, 0, 64},
                                {"bottleneck", &HyperConfig::bottleneck, 1, 1024},
                                {"tile", &HyperConfig::tile, 1, 256},
                                {"tile_hidden", &HyperConfig::tileHidden, 1, 1024}};

nlohmann::json parseDocument(const std::string& text, size_t maxBytes, const std::string& where) {
    if (text.size() > maxBytes) {
        fail(Failure::BadFile, where + ": has " + std::to_string(text.size()) + " bytes; the limit is " +
                                   std::to_string(maxBytes));
    }
    return readStrictJson(text, kMaxNesting, where);
}

std::string chosen(const nlohmann::json& document, const std::string& key, const std::string& fallback,
                   const std::vector<std::string>& allowed, const std::string& where) {
    if (!document.contains(key)) return fallback;
    for (const std::string& value : allowed) {
        if (document[key] == value) return value;
    }
    fail(Failure::BadFile, where + ": \"" + key + "\" is " + kindOf(document[key]) + ", must be \"" + allowed[0] +
                               "\" or \"" + allowed[1] + "\"");
}

// "trained" is no part of the build: a file of stage 1 names the hypernetwork that stage 2 is to train.
bool parseTrained(const std::string& json, const std::string& where) {
    const nlohmann::json document = parseDocument(json, kMaxConfigBytes, where);
    if (!document.contains("trained")) return true;
    if (!document["trained"].is_boolean()) fail(Failure::BadFile, where + ": \"trained\" must be true or false");
    return document["trained"].get<bool>();
}

void refuseForeignTensors(const ModelFile& file, const std::set<std::string>& expected) {
    for (const auto& item : file.entries()) {
        if (expected.count(item.first) == 0) {
            fail(Failure::BadFile, "model " + quotedPath(file.origin()) + ": tensor " + inQuotes(item.first) +
                                       " belongs to no part of its architecture and hypernetwork");
        }
    }
}

void nameLinear(std::set<std::string>& names, const std::string& stem) {
    names.insert(stem + ".weight");
    names.insert(stem + ".bias");
}

void nameBase(std::set<std::string>& names, const Architecture& architecture) {
    for (const Node& node : architecture.nodes) {
        if (node.op == Op::Conv) names.insert("base." + node.name + ".weight");
        if (node.op == Op::BatchNorm) {
            names.insert("base." + node.name + ".gamma");
            names.insert("base." + node.name + ".beta");
        }
    }
}

void nameGenerators(std::set<std::string>& names, const HyperConfig& config, const Architecture& architecture) {
    for (const int layer : predictedLayers(architecture)) {
        const Node& node = architecture.nodes[size_t(layer)];
        const std::string stem = "generator." + node.name;
        nameLinear(names, stem + ".film");
        if (config.form == "pure") {
            names.insert(stem + ".tiles");
            for (const char* part : {".expand", ".mix", ".tile"}) {
                nameLinear(names, "tile." + std::to_string(node.kernel) + part);
            }
        } else if (config.rank > 0) {
            names.insert(stem + ".bottleneck.weight");
            names.insert(stem + ".out.weight");
            nameLinear(names, stem + ".in");
        }
    }
}

std::set<std::string> tensorNames(const HyperConfig& config, const Architecture& architecture, bool trained) {
    std::set<std::string> names;
    if (config.form == "residual") nameBase(names, architecture);
    if (!trained) return names;
    if (config.encoder == "conv") {
        for (int i = 0; i < 4; ++i) nameLinear(names, "sketch.conv" + std::to_string(i));
    }
    for (const char* part : {"sketch.norm", "sketch.hidden", "sketch.out", "recurrent.embed", "recurrent.norm"}) {
        nameLinear(names, part);
    }
    for (int cell = 0; cell < config.layers; ++cell) {
        nameLinear(names, "recurrent.cell" + std::to_string(cell) + ".input");
        nameLinear(names, "recurrent.cell" + std::to_string(cell) + ".hidden");
    }
    nameGenerators(names, config, architecture);
    return names;
}

}  // namespace

HyperConfig parseHyperConfig(const std::string& json, const std::string& origin) {
    const std::string where = "hypernetwork in " + quotedPath(origin);
    const nlohmann::json document = parseDocument(json, kMaxConfigBytes, where);
    if (!document.is_object()) fail(Failure::BadFile, where + ": an object {...} is expected");
    std::set<std::string> known = {"form", "encoder", "sketch_mix", "trained"};
    HyperConfig config;
    for (const IntegerKey& key : kIntegers) {
        known.insert(key.name);
        if (!document.contains(key.name)) continue;
        const nlohmann::json& value = document[key.name];
        if (!value.is_number_integer() || value.get<int64_t>() < key.lowest || value.get<int64_t>() > key.highest) {
            fail(Failure::BadFile, where + ": \"" + key.name + "\" is " + value.dump() + ", must be an integer in " +
                                       std::to_string(key.lowest) + ".." + std::to_string(key.highest));
        }
        config.*key.member = value.get<int>();
    }
    for (const auto& item : document.items()) {
        if (known.count(item.key()) > 0) continue;
        fail(Failure::BadFile, where + ": key " + inQuotes(item.key()) + " is not known");
    }
    config.form = chosen(document, "form", config.form, {"residual", "pure"}, where);
    config.encoder = chosen(document, "encoder", config.encoder, {"stats", "conv"}, where);
    if (document.contains("sketch_mix")) {
        const nlohmann::json& value = document["sketch_mix"];
        if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 1)) {
            fail(Failure::BadFile, where + ": \"sketch_mix\" is " + value.dump() + ", must be 0..1");
        }
        config.sketchMix = value.get<float>();
    }
    return config;
}

std::string toJson(const HyperConfig& config) {
    Json document = {{"form", config.form}, {"encoder", config.encoder}};
    for (const IntegerKey& key : kIntegers) document[key.name] = config.*key.member;
    document["sketch_mix"] = config.sketchMix;
    return document.dump();
}

HyperNetwork loadHyperNetwork(const ModelFile& file) {
    const std::string& format = file.metadata("format");
    if (format != kFormat) {
        fail(Failure::BadFile, "model " + quotedPath(file.origin()) + ": its format is " + inQuotes(format) +
                                   ", this version reads \"" + kFormat + "\"");
    }
    HyperNetwork hyper;
    hyper.architecture = parseArchitecture(file.metadata("architecture"), "metadata of " + file.origin());
    const std::string& config = file.metadata("hypernetwork");
    hyper.config = parseHyperConfig(config, file.origin());
    hyper.trained = parseTrained(config, "hypernetwork in " + quotedPath(file.origin()));
    if (!hyper.trained && hyper.config.form == "pure") {
        fail(Failure::BadFile, "model " + quotedPath(file.origin()) +
                                   ": the pure form has no base weights to fall back on, so "
                                   "\"trained\" cannot be false");
    }
    refuseForeignTensors(file, tensorNames(hyper.config, hyper.architecture, hyper.trained));
    hyper.generators = readGenerators(file, hyper.config, hyper.architecture, hyper.trained);
    if (hyper.trained) {
        hyper.sketch = readSketch(file, hyper.config);
        hyper.recurrent = readRecurrent(file, hyper.config, hyper.architecture);
    }
    const auto training = file.metadata().find("training");
    if (training != file.metadata().end()) {
        parseDocument(training->second, kMaxTrainingBytes, "training summary in " + quotedPath(file.origin()));
        hyper.training = training->second;
    }
    return hyper;
}

void writeBaseModel(const std::string& path, const Architecture& architecture, const NetworkWeights& weights,
                    const std::string& training) {
    std::map<std::string, Tensor> tensors;
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        const Node& node = architecture.nodes[i];
        const std::string stem = "base." + node.name;
        const auto channels = int64_t(node.shape.channels);
        if (node.op == Op::Conv) tensors[stem + ".weight"] = weights[i].kernel;
        if (node.op != Op::BatchNorm) continue;
        tensors[stem + ".gamma"] = {{channels}, weights[i].gamma};
        tensors[stem + ".beta"] = {{channels}, weights[i].beta};
    }
    nlohmann::json hyper = nlohmann::json::parse(toJson(HyperConfig()));
    hyper["trained"] = false;
    writeModelFile(path,
                   {{"format", kFormat},
                    {"architecture", toJson(architecture)},
                    {"hypernetwork", hyper.dump()},
                    {"training", training}},
                   tensors, StorageType::F32);
}

}  // namespace hyperpred
}  // namespace cv
