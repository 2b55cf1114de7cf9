// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "architecture.hpp"
#include "classifier.hpp"
#include "command.hpp"
#include "data_folder.hpp"
#include "error.hpp"
#include "hypernetwork.hpp"
#include "net_onnx.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"
#include "support_features.hpp"
#include "support_part.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

Json describe(const Architecture& architecture) {
    Json layers = Json::array();
    for (const Node& node : architecture.nodes) {
        const Cost cost = nodeCost(architecture, node);
        layers.push_back({{"name", node.name},
                          {"op", opName(node.op)},
                          {"output", {node.shape.channels, node.shape.height, node.shape.width}},
                          {"parameters", cost.parameters},
                          {"mflop", double(cost.flops) / 1e6}});
        if (node.op == Op::Conv) layers.back()["groups"] = node.groups;
    }
    const Cost total = totalCost(architecture);
    Json stages = Json::array();
    for (const int stage : architecture.stages) stages.push_back(architecture.nodes[size_t(stage)].name);
    return {{"kind", "architecture"},
            {"name", architecture.name},
            {"input", {3, architecture.size, architecture.size}},
            {"parameters", total.parameters},
            {"mflop", double(total.flops) / 1e6},
            {"activation_mib", double(total.activations) / (1 << 20)},
            {"predicted_layers", predictedLayers(architecture).size()},
            {"stages", stages},
            {"layers", layers}};
}

Json classCounts(const std::vector<std::string>& names, const std::vector<int>& counts) {
    Json classes = Json::array();
    for (size_t c = 0; c < counts.size(); ++c) classes.push_back({{"name", names[c]}, {"images", counts[c]}});
    return classes;
}

Json describeSupport(const std::string& path) {
    const SupportFeatures support = readSupportFeatures(path);
    std::vector<int> counts(support.classNames.size(), 0);
    for (const int label : support.labels) ++counts[size_t(label)];
    return {{"kind", "support"},
            {"images", support.labels.size()},
            {"feature_count", support.columns},
            {"head", headName(support.head)},
            {"rejected", support.rejected},
            {"network", support.network},
            {"classes", classCounts(support.classNames, counts)}};
}

Json describePart(const std::string& path) {
    const SupportPart part = openSupportPart(path).part;
    std::vector<int> counts(part.classNames.size(), 0);
    for (const SupportPart::File& file : part.files) ++counts[size_t(file.label)];
    return {{"kind", "part"},
            {"part", part.number},
            {"parts", part.count},
            {"list", part.list},
            {"size", part.size},
            {"images", part.files.size()},
            {"skipped", part.skipped.size()},
            {"classes", classCounts(part.classNames, counts)}};
}

Json describeModel(const std::string& path) {
    const ModelFile file = ModelFile::open(path);
    const auto format = file.metadata().find("format");
    if (format != file.metadata().end() && format->second == kSupportFormat) return describeSupport(path);
    if (format != file.metadata().end() && format->second == kPartFormat) return describePart(path);
    const HyperNetwork hyper = loadHyperNetwork(file);
    int64_t numbers = 0, base = 0;
    for (const auto& entry : file.entries()) {
        int64_t size = 1;
        for (const int64_t extent : entry.second.shape) size *= extent;
        numbers += size;
        if (entry.first.compare(0, 5, "base.") == 0) base += size;
    }
    return {{"kind", "model"},
            {"hypernetwork", Json::parse(toJson(hyper.config))},
            {"trained", hyper.trained},
            {"base_numbers", base},
            {"hypernetwork_numbers", numbers - base},
            {"architecture", describe(hyper.architecture)},
            {"training", hyper.training.empty() ? Json() : Json::parse(hyper.training)}};
}

Json describeNet(const std::string& path, const std::vector<uint8_t>& bytes) {
    Json result = {{"kind", "net"}};
    for (const auto& item : readOnnxMetadata(bytes, path)) {
        const bool shallow = nestsWithin(kReportNesting, item.second);
        const Json value = shallow ? Json::parse(item.second, nullptr, false) : Json(Json::value_t::discarded);
        result[item.first] = value.is_discarded() || item.first == "hyperpred.checksum" ? Json(item.second) : value;
    }
    return result;
}

void printArchitecture(const Json& architecture) {
    char line[200];
    for (const Json& layer : architecture["layers"]) {
        const Json& shape = layer["output"];
        const bool depthwise = layer.value("groups", 1) > 1;
        const std::string op = depthwise ? "depthwise" : layer["op"].get<std::string>();
        std::snprintf(line, sizeof line, "  %-24s %-11s %5d x %3d x %3d %11lld %10.3f\n",
                      layer["name"].get<std::string>().c_str(), op.c_str(), shape[0].get<int>(), shape[1].get<int>(),
                      shape[2].get<int>(), static_cast<long long>(layer["parameters"].get<int64_t>()),
                      layer["mflop"].get<double>());
        std::cout << line;
    }
    std::snprintf(line, sizeof line,
                  "%s: %zu layers (%d predicted), %.2f M parameters, %.1f MFLOP an image, %.1f MiB of activations\n",
                  architecture["name"].get<std::string>().c_str(), architecture["layers"].size(),
                  architecture["predicted_layers"].get<int>(), architecture["parameters"].get<double>() / 1e6,
                  architecture["mflop"].get<double>(), architecture["activation_mib"].get<double>());
    std::cout << line << "stages: " << architecture["stages"].dump() << "\n";
}

void print(const Json& result) {
    if (result["kind"] == "architecture") {
        std::cout << "  layer                    op                  output    parameters      MFLOP\n";
        printArchitecture(result);
    } else if (result["kind"] == "model") {
        print(result["architecture"]);
        std::cout << "base weights: " << result["base_numbers"] << " numbers, hypernetwork: "
                  << result["hypernetwork_numbers"] << " numbers\n"
                  << "hypernetwork: " << result["hypernetwork"].dump() << "\n"
                  << "training: " << result["training"].dump(2) << "\n";
    } else {
        for (const auto& item : result.items()) {
            if (item.key() == "hyperpred.architecture") {
                std::cout << "architecture: " << item.value()["name"].get<std::string>() << "\n";
            } else {
                std::cout << item.key() << ": " << item.value().dump() << "\n";
            }
        }
    }
}

// What a file is shows in its first bytes: JSON, or a safetensors header ('{' behind its length), else ONNX.
Json describeFile(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, quotedPath(path) + ": cannot be opened");
    char head[9] = {};
    in.read(head, sizeof head);
    const size_t firstInk = std::string(head, size_t(in.gcount())).find_first_not_of(" \t\r\n");
    if (firstInk != std::string::npos && head[firstInk] == '{') return describe(loadArchitecture(path));
    if (in.gcount() == 9 && head[8] == '{') return describeModel(path);
    in.clear();
    in.seekg(0);
    const std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return describeNet(path, bytes);
}

}  // namespace

int runInfo(const std::vector<std::string>& given) {
    boost::program_options::options_description options("options");
    options.add_options()("json", "print as JSON");
    const Arguments arguments("hyperpred info FILE|MODEL [--json]", options, {"FILE"}, given);
    if (arguments.helped()) return 0;
    const Json result = describeFile(modelPath(arguments.get<std::string>("FILE")));
    if (arguments.has("json")) {
        std::cout << result.dump(2) << "\n";
    } else {
        print(result);
    }
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
