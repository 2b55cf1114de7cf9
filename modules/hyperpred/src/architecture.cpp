// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "architecture.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <queue>
#include <set>
#include <unordered_map>

#include "error.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using nlohmann::json;

const size_t kMaxBytes = size_t(1) << 20;
const size_t kMaxNesting = 32;
const size_t kMaxNodes = 2000;
const size_t kMaxNameLength = 128;
const int kMaxChannels = 4096;
const int kMaxKernel = 15;
const int kMaxStride = 8;
const int kMinSize = 8, kMaxSize = 1024;
const int64_t kMaxParameters = 200'000'000;
const int64_t kMaxActivations = 512'000'000;  // bytes, one image
const char* const kImageName = "image";

struct OpRule {
    Op op;
    const char* name;
    bool window;  // kernel, stride and pad
};
const OpRule kOps[] = {{Op::Conv, "conv", true},        {Op::BatchNorm, "batch_norm", false},
                       {Op::Relu, "relu", false},       {Op::Add, "add", false},
                       {Op::MaxPool, "max_pool", true}, {Op::AvgPool, "avg_pool", true},
                       {Op::GlobalPool, "global_pool", false}};

const OpRule& ruleOf(Op op) {
    return *std::find_if(std::begin(kOps), std::end(kOps), [op](const OpRule& rule) { return rule.op == op; });
}

std::string text(const Shape& shape) {
    return std::to_string(shape.channels) + " x " + std::to_string(shape.height) + " x " + std::to_string(shape.width);
}

int64_t elements(const Shape& shape) {
    return int64_t(shape.channels) * shape.height * shape.width;
}

// A node as written, before its inputs are resolved.
struct Draft {
    Node node;
    std::vector<std::string> inputs;
};

std::string layerPlace(const std::string& where, const std::string& name) {
    return where + ", layer " + inQuotes(name);
}

// Names become tensor names of model files and of ONNX, and parts of sentences: plain characters only.
const std::string& checkedName(const std::string& name, const std::string& what, const std::string& where) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    if (name.empty() || name.size() > kMaxNameLength || !std::all_of(name.begin(), name.end(), plain)) {
        fail(Failure::BadFile, where + ": " + what + " " + inQuotes(name) + " must have 1.." +
                                   std::to_string(kMaxNameLength) + " letters, digits, '.', '_' or '-'");
    }
    return name;
}

void parseInput(const json& document, Architecture& architecture, const std::string& where) {
    const std::string place = where + ", input";
    const json& input = required(document, "input", where);
    requireObject(input, place);
    refuseUnknownKeys(input, {"size", "channels", "mean", "std"}, place);
    architecture.size = integerAt(input, "size", kMinSize, kMaxSize, place);
    integerAt(input, "channels", 3, 3, place);
    const json& mean = arrayAt(input, "mean", place);
    const json& deviation = arrayAt(input, "std", place);
    if (mean.size() != 3 || deviation.size() != 3) {
        fail(Failure::BadFile, place + ": \"mean\" and \"std\" must have 3 numbers each, have " +
                                   std::to_string(mean.size()) + " and " + std::to_string(deviation.size()));
    }
    for (size_t c = 0; c < 3; ++c) {
        const std::string index = "[" + std::to_string(c) + "]";
        architecture.mean[c] = numberIn(mean[c], 0, 255, "\"mean\"" + index, place);
        architecture.deviation[c] = numberIn(deviation[c], 0.001, 1000, "\"std\"" + index, place);
    }
}

Op parseOp(const std::string& name, const std::string& place) {
    std::string list;
    for (const OpRule& rule : kOps) {
        if (name == rule.name) return rule.op;
        list += (list.empty() ? "" : ", ") + std::string(rule.name);
    }
    fail(Failure::BadFile, place + ": unknown op " + inQuotes(name) + "; known are " + list);
}

void parseWindow(const json& layer, Node& node, const std::string& place) {
    node.kernel = integerAt(layer, "kernel", 1, kMaxKernel, place);
    node.stride = node.op == Op::Conv ? integerOr(layer, "stride", 1, 1, kMaxStride, place)
                                      : integerAt(layer, "stride", 1, kMaxStride, place);
    node.pad = integerOr(layer, "pad", 0, 0, kMaxKernel, place);
    if (node.op == Op::AvgPool && node.pad > 0) {
        fail(Failure::BadFile, place + ": avg_pool takes no padding (readers disagree whether padded zeros count), " +
                                   "\"pad\" is " + std::to_string(node.pad));
    }
    if (node.pad >= node.kernel) {
        fail(Failure::BadFile, place + ": pad " + std::to_string(node.pad) + " must be smaller than the kernel, " +
                                   std::to_string(node.kernel));
    }
    if (node.op == Op::MaxPool && node.pad > node.kernel / 2) {
        fail(Failure::BadFile, place + ": pad " + std::to_string(node.pad) + " must be at most half the kernel, " +
                                   std::to_string(node.kernel) + ", of a max_pool");
    }
}

std::vector<std::string> parseInputs(const json& layer, Op op, const std::string& place) {
    if (op != Op::Add) return {stringAt(layer, "input", place)};
    const json& inputs = arrayAt(layer, "inputs", place);
    if (inputs.size() != 2 || !inputs[0].is_string() || !inputs[1].is_string()) {
        fail(Failure::BadFile, place + ": \"inputs\" of an add must be two layer names");
    }
    return inputs.get<std::vector<std::string>>();
}

Draft parseLayer(const json& layer, size_t index, const std::string& where) {
    const std::string unnamed = where + ", layers[" + std::to_string(index) + "]";
    requireObject(layer, unnamed);
    Draft draft;
    draft.node.name = checkedName(stringAt(layer, "name", unnamed), "name", unnamed);
    const std::string place = layerPlace(where, draft.node.name);
    if (draft.node.name == kImageName) fail(Failure::BadFile, place + ": this name stands for the network's input");
    const Op op = draft.node.op = parseOp(stringAt(layer, "op", place), place);
    if (op == Op::Conv) {
        refuseUnknownKeys(layer, {"name", "op", "input", "out", "kernel", "stride", "pad", "groups"}, place);
        draft.node.out = integerAt(layer, "out", 1, kMaxChannels, place);
        draft.node.groups = integerOr(layer, "groups", 1, 1, kMaxChannels, place);
    } else if (ruleOf(op).window) {
        refuseUnknownKeys(layer, {"name", "op", "input", "kernel", "stride", "pad"}, place);
    } else {
        refuseUnknownKeys(layer, {"name", "op", op == Op::Add ? "inputs" : "input"}, place);
    }
    if (ruleOf(op).window) parseWindow(layer, draft.node, place);
    draft.inputs = parseInputs(layer, op, place);
    return draft;
}

using Index = std::unordered_map<std::string, int>;

std::vector<Draft> parseLayers(const json& document, Index& index, const std::string& where) {
    const json& layers = arrayAt(document, "layers", where);
    if (layers.empty() || layers.size() > kMaxNodes) {
        fail(Failure::BadFile, where + ": must have 1.." + std::to_string(kMaxNodes) + " layers, has " +
                                   std::to_string(layers.size()));
    }
    std::vector<Draft> drafts;
    for (size_t i = 0; i < layers.size(); ++i) {
        drafts.push_back(parseLayer(layers[i], i, where));
        const std::string& name = drafts.back().node.name;
        if (!index.emplace(name, int(i)).second) {
            fail(Failure::BadFile, layerPlace(where, name) + ": the name stands twice");
        }
    }
    for (Draft& draft : drafts) {
        for (const std::string& input : draft.inputs) {
            const auto found = index.find(input);
            if (found == index.end() && input != kImageName) {
                fail(Failure::BadFile, layerPlace(where, draft.node.name) + ": no layer has the name of its input " +
                                           inQuotes(input));
            }
            draft.node.inputs.push_back(found == index.end() ? kImageInput : found->second);
        }
    }
    return drafts;
}

// A layer that waits for a layer that waits ... for itself: walking back from any waiting layer ends up in a cycle.
[[noreturn]] void failCycle(const std::vector<Draft>& drafts, const std::vector<int>& waiting,
                            const std::string& where) {
    const auto isWaiting = [&](int i) { return i != kImageInput && waiting[size_t(i)] > 0; };
    size_t at = 0;
    while (!isWaiting(int(at))) ++at;
    for (size_t step = 0; step < drafts.size(); ++step) {
        const std::vector<int>& inputs = drafts[at].node.inputs;
        at = size_t(*std::find_if(inputs.begin(), inputs.end(), isWaiting));
    }
    fail(Failure::BadFile, layerPlace(where, drafts[at].node.name) + ": its output leads back to its input");
}

// Stable: a document in topological order keeps its order. Returns the nodes with their inputs renumbered.
std::vector<Node> sortTopologically(const std::vector<Draft>& drafts, const std::string& where) {
    std::vector<int> waiting(drafts.size(), 0), place(drafts.size(), -1);
    std::vector<std::vector<int>> users(drafts.size());
    std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
    for (size_t i = 0; i < drafts.size(); ++i) {
        for (int input : drafts[i].node.inputs) {
            if (input == kImageInput) continue;
            users[size_t(input)].push_back(int(i));
            ++waiting[i];
        }
        if (waiting[i] == 0) ready.push(int(i));
    }
    std::vector<Node> nodes;
    while (!ready.empty()) {
        const auto next = size_t(ready.top());
        ready.pop();
        place[next] = int(nodes.size());
        nodes.push_back(drafts[next].node);
        for (int& input : nodes.back().inputs) {
            if (input != kImageInput) input = place[size_t(input)];
        }
        for (int user : users[next]) {
            if (--waiting[size_t(user)] == 0) ready.push(user);
        }
    }
    if (nodes.size() != drafts.size()) failCycle(drafts, waiting, where);
    return nodes;
}

void parseStages(const json& document, Architecture& architecture, const std::string& where) {
    const json& stages = arrayAt(document, "stages", where);
    if (stages.empty()) fail(Failure::BadFile, where + ": \"stages\" must name at least one layer");
    Index index;
    for (size_t i = 0; i < architecture.nodes.size(); ++i) index[architecture.nodes[i].name] = int(i);
    for (const json& stage : stages) {
        if (!stage.is_string()) {
            fail(Failure::BadFile, where + ": \"stages\" must hold layer names, holds " + kindOf(stage));
        }
        const auto found = index.find(stage.get_ref<const std::string&>());
        if (found == index.end()) {
            fail(Failure::BadFile, where + ": no layer has the name of the stage " + kindOf(stage));
        }
        // Passes over the network stop at the highest stage asked for, so stages stand in the order of the data.
        if (!architecture.stages.empty() && found->second <= architecture.stages.back()) {
            fail(Failure::BadFile, layerPlace(where, found->first) +
                                       ": each stage must come after the stage before it in the network");
        }
        architecture.stages.push_back(found->second);
    }
}

void refuseUnused(const Architecture& architecture, const std::string& where) {
    std::vector<bool> used(architecture.nodes.size(), false);
    for (int stage : architecture.stages) used[size_t(stage)] = true;
    for (size_t i = architecture.nodes.size(); i-- > 0;) {
        const Node& node = architecture.nodes[i];
        if (!used[i]) fail(Failure::BadFile, layerPlace(where, node.name) + ": its output leads to no stage");
        for (int input : node.inputs) {
            if (input != kImageInput) used[size_t(input)] = true;
        }
    }
}

const std::string& inputName(const Architecture& architecture, const Node& node, size_t which) {
    static const std::string image = kImageName;
    const int input = node.inputs[which];
    return input == kImageInput ? image : architecture.nodes[size_t(input)].name;
}

// Readers agree on depthwise convolutions; groups of several channels are left out, and few small networks have them.
void checkGroups(const Architecture& architecture, const Node& node, const std::string& where) {
    const Shape in = inputShape(architecture, node);
    if (node.groups == 1 || (node.groups == in.channels && node.groups == node.out)) return;
    fail(Failure::BadFile, layerPlace(where, node.name) + ": \"groups\" is " + std::to_string(node.groups) +
                               ", must be 1 or, for a depthwise convolution, equal to \"out\", " +
                               std::to_string(node.out) + ", and to its input channels, " + text(in) + " from \"" +
                               inputName(architecture, node, 0) + "\"");
}

int windows(int extent, const Node& node) {
    return (extent + 2 * node.pad - node.kernel) / node.stride + 1;
}

Shape inferShape(const Architecture& architecture, const Node& node, const std::string& where) {
    Shape shape = inputShape(architecture, node);
    if (node.op == Op::Add) {
        const Shape other = inputShape(architecture, node, 1);
        if (shape.channels != other.channels || shape.height != other.height || shape.width != other.width) {
            fail(Failure::BadFile, layerPlace(where, node.name) + ": adds inputs of different shapes, " + text(shape) +
                                       " from \"" + inputName(architecture, node, 0) + "\" and " + text(other) +
                                       " from \"" + inputName(architecture, node, 1) + "\"");
        }
    } else if (ruleOf(node.op).window) {
        if (std::min(shape.height, shape.width) + 2 * node.pad < node.kernel) {
            fail(Failure::BadFile, layerPlace(where, node.name) + ": kernel " + std::to_string(node.kernel) +
                                       " is larger than its padded input, " + text(shape) + " from \"" +
                                       inputName(architecture, node, 0) + "\" with pad " + std::to_string(node.pad));
        }
        shape.height = windows(shape.height, node);
        shape.width = windows(shape.width, node);
        if (node.op == Op::Conv) {
            checkGroups(architecture, node, where);
            shape.channels = node.out;
        }
    } else if (node.op == Op::GlobalPool) {
        shape.height = shape.width = 1;
    }
    return shape;
}

int64_t parameterCount(const Architecture& architecture, const Node& node) {
    if (node.op == Op::BatchNorm) return 2 * int64_t(node.shape.channels);
    if (node.op != Op::Conv) return 0;
    return int64_t(node.kernel) * node.kernel * node.out * kernelInputs(architecture, node);
}

// The limits are checked as the sums grow: below them no later product leaves 64 bits.
void inferShapes(Architecture& architecture, const std::string& where) {
    int64_t parameters = 0, activations = 0;
    for (Node& node : architecture.nodes) {
        node.shape = inferShape(architecture, node, where);
        parameters += parameterCount(architecture, node);
        activations += 4 * elements(node.shape);
        if (parameters > kMaxParameters) {
            fail(Failure::BadFile, layerPlace(where, node.name) + ": parameters up to here are " +
                                       std::to_string(parameters) + "; the limit is " + std::to_string(kMaxParameters));
        }
        if (activations > kMaxActivations) {
            fail(Failure::BadFile, layerPlace(where, node.name) + ": activations of one image up to here are " +
                                       std::to_string(activations) + " bytes; the limit is " +
                                       std::to_string(kMaxActivations));
        }
    }
}

// The shortest decimal that gives the float again, as the double that prints so.
double shortest(float value) {
    char buffer[64];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, value);
    double result = 0;
    std::from_chars(buffer, written.ptr, result);
    return result;
}

nlohmann::ordered_json layerJson(const Architecture& architecture, const Node& node) {
    nlohmann::ordered_json layer;
    layer["name"] = node.name;
    layer["op"] = opName(node.op);
    if (node.op == Op::Add) {
        layer["inputs"] = {inputName(architecture, node, 0), inputName(architecture, node, 1)};
    } else {
        layer["input"] = inputName(architecture, node, 0);
    }
    if (node.op == Op::Conv) layer["out"] = node.out;
    if (ruleOf(node.op).window) {
        layer["kernel"] = node.kernel;
        layer["stride"] = node.stride;
        if (node.op != Op::AvgPool) layer["pad"] = node.pad;
    }
    if (isDepthwise(node)) layer["groups"] = node.groups;
    return layer;
}

}  // namespace

Architecture parseArchitecture(const std::string& document, const std::string& origin) {
    const std::string where = "architecture " + quotedPath(origin);
    if (document.size() > kMaxBytes) {
        fail(Failure::BadFile, where + ": has " + std::to_string(document.size()) + " bytes; the limit is " +
                                   std::to_string(kMaxBytes));
    }
    const json root = readStrictJson(document, kMaxNesting, where);
    requireObject(root, where);
    refuseUnknownKeys(root, {"name", "input", "layers", "stages"}, where);
    Architecture architecture;
    architecture.name = checkedName(stringAt(root, "name", where), "name", where);
    parseInput(root, architecture, where);
    Index index;
    architecture.nodes = sortTopologically(parseLayers(root, index, where), where);
    parseStages(root, architecture, where);
    refuseUnused(architecture, where);
    inferShapes(architecture, where);
    if (predictedLayers(architecture).empty()) fail(Failure::BadFile, where + ": has no conv layer to predict");
    return architecture;
}

Architecture loadArchitecture(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, "architecture " + quotedPath(path) + ": cannot be opened");
    std::string document(kMaxBytes + 1, '\0');
    in.read(&document[0], std::streamsize(document.size()));
    if (in.bad()) fail(Failure::BadFile, "architecture " + quotedPath(path) + ": cannot be read");
    document.resize(size_t(in.gcount()));
    if (document.size() > kMaxBytes) {
        fail(Failure::BadFile, "architecture " + quotedPath(path) + ": is larger than the limit, " +
                                   std::to_string(kMaxBytes) + " bytes");
    }
    return parseArchitecture(document, path);
}

std::string toJson(const Architecture& architecture, int indent) {
    nlohmann::ordered_json root;
    root["name"] = architecture.name;
    nlohmann::ordered_json& input = root["input"];
    input["size"] = architecture.size;
    input["channels"] = 3;
    for (float mean : architecture.mean) input["mean"].push_back(shortest(mean));
    for (float deviation : architecture.deviation) input["std"].push_back(shortest(deviation));
    for (const Node& node : architecture.nodes) root["layers"].push_back(layerJson(architecture, node));
    for (int stage : architecture.stages) root["stages"].push_back(architecture.nodes[size_t(stage)].name);
    return root.dump(indent);
}

const char* opName(Op op) {
    return ruleOf(op).name;
}

Shape inputShape(const Architecture& architecture, const Node& node, size_t which) {
    const int input = node.inputs.at(which);
    if (input != kImageInput) return architecture.nodes[size_t(input)].shape;
    Shape image;
    image.channels = 3;
    image.height = image.width = architecture.size;
    return image;
}

bool isDepthwise(const Node& node) {
    return node.op == Op::Conv && node.groups > 1;
}

int kernelInputs(const Architecture& architecture, const Node& node) {
    return isDepthwise(node) ? 1 : inputShape(architecture, node).channels;
}

std::vector<int> predictedLayers(const Architecture& architecture) {
    std::vector<int> layers;
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        if (architecture.nodes[i].op == Op::Conv) layers.push_back(int(i));
    }
    return layers;
}

int featureCount(const Architecture& architecture, const std::vector<int>& stages) {
    int count = 0;
    for (int stage : stages) {
        if (stage < 1 || size_t(stage) > architecture.stages.size()) {
            fail(Failure::OutOfRange, "stage " + std::to_string(stage) + " of \"" + architecture.name +
                                          "\"; it has stages 1.." + std::to_string(architecture.stages.size()));
        }
        count += architecture.nodes[size_t(architecture.stages[size_t(stage) - 1])].shape.channels;
    }
    return count;
}

Cost nodeCost(const Architecture& architecture, const Node& node) {
    const int64_t outputs = elements(node.shape);
    Cost cost;
    cost.parameters = parameterCount(architecture, node);
    cost.activations = outputs * int64_t(sizeof(float));
    switch (node.op) {
        case Op::Conv:
            cost.flops = 2 * int64_t(node.kernel) * node.kernel * kernelInputs(architecture, node) * outputs;
            break;
        case Op::BatchNorm: cost.flops = 2 * outputs; break;
        case Op::Relu:
        case Op::Add: cost.flops = outputs; break;
        case Op::MaxPool:
        case Op::AvgPool: cost.flops = int64_t(node.kernel) * node.kernel * outputs; break;
        case Op::GlobalPool: cost.flops = elements(inputShape(architecture, node)); break;
    }
    return cost;
}

Cost totalCost(const Architecture& architecture) {
    Cost total;
    for (const Node& node : architecture.nodes) {
        const Cost cost = nodeCost(architecture, node);
        total.flops += cost.flops;
        total.parameters += cost.parameters;
        total.activations += cost.activations;
    }
    return total;
}

}  // namespace hyperpred
}  // namespace cv
