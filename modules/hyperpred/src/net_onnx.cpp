// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "net_onnx.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "error.hpp"
#include "half.hpp"
#include "hash.hpp"
#include "onnx_fields.hpp"
#include "protobuf_reader.hpp"
#include "protobuf_writer.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"
#include "version.hpp"

namespace cv {
namespace hyperpred {

namespace {

using namespace onnx_fields;

const int kIrVersion = 7, kOpset = 13;  // IR 7 came with opset 13
const char* const kProducer = "hyperpred";
const std::string kChecksum = "hyperpred.checksum";
const size_t kDigits = 16;
const float kMostHalf = 65504;

struct Attribute {
    const char* name;
    int type;
    float number;
    std::vector<int> integers;
};
Attribute integer(const char* name, int value) {
    return {name, attribute::INT, 0, {value}};
}
Attribute integers(const char* name, std::vector<int> values) {
    return {name, attribute::INTS, 0, std::move(values)};
}
Attribute number(const char* name, float value) {
    return {name, attribute::FLOAT, value, {}};
}

std::string hexDigits(uint64_t value) {
    char digits[kDigits + 1];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
    return digits;
}

class OnnxWriter {
public:
    // With a `body`, its fields stand for the nodes up to the features, and `quantisation` is not read.
    OnnxWriter(const NetGraph& graph, OnnxFormat format, const Quantisation& quantisation,
               const std::vector<uint8_t>& body, ProtobufWriter& out)
        : graph_(graph), format_(format), quantisation_(quantisation), body_(body), out_(out) {}

    void write() {
        out_.integer(model::ir_version, kIrVersion);
        out_.text(model::producer_name, kProducer);
        out_.text(model::producer_version, kVersion);
        writeGraph();
        out_.begin(model::opset_import);
        out_.text(opset::domain, "");
        out_.integer(opset::version, kOpset);
        out_.end();
        for (const auto& item : graph_.metadata) {
            if (item.first != kChecksum && item.first != kOnnxFormatKey) writeMetadata(item.first, item.second);
        }
        if (format_ != OnnxFormat::Float) writeMetadata(kOnnxFormatKey, onnxFormatName(format_));
        writeMetadata(kChecksum, std::string(kDigits, '0'));
    }

private:
    void writeMetadata(const std::string& key, const std::string& value) {
        out_.begin(model::metadata);
        out_.text(entry::key, key);
        out_.text(entry::value, value);
        out_.end();
    }

    void writeGraph() {
        out_.begin(model::graph);
        out_.raw(body_);
        for (size_t i = body_.empty() ? 0 : 1; i < graph_.nodes.size(); ++i) writeNetNode(int(i));
        out_.text(graph_field::name, graph_.architecture);
        writeValue(graph_field::input, "image", {3, graph_.size, graph_.size});
        // forward() without a name gives the first output in OpenCV 5 and the last in OpenCV 4: both rank the classes.
        for (const int output : {graph_.logits, graph_.features, graph_.familiarity, graph_.probabilities}) {
            const NetNode& node = graph_.nodes[size_t(output)];
            writeValue(graph_field::output, node.name, {node.shape.channels});
        }
        out_.end();
    }

    void writeNetNode(int index) {
        const NetNode& node = graph_.nodes[size_t(index)];
        std::vector<std::string> inputs;
        for (size_t i = 0; i < node.inputs.size(); ++i) inputs.push_back(inputName(node, i));
        const bool flatten = index == graph_.features;  // N x p x 1 x 1 -> N x p
        const std::string output = flatten ? node.name + "/map" : node.name;
        switch (node.op) {
            case NetOp::Affine: writeAffine(node, inputs); break;
            case NetOp::Conv: writeConv(index, inputs); break;
            case NetOp::Relu: writeNode("Relu", inputs, output); break;
            case NetOp::Add: writeNode("Add", inputs, output); break;
            case NetOp::MaxPool: writeNode("MaxPool", inputs, output, window(node)); break;
            case NetOp::AvgPool: writeAvgPool(node, inputs); break;
            case NetOp::GlobalPool: writeNode("GlobalAveragePool", inputs, output); break;
            case NetOp::Square: writeNode("Mul", inputs, output); break;
            case NetOp::Root: writeNode("Sqrt", inputs, output); break;
            case NetOp::Concat: writeNode("Concat", inputs, output, {integer("axis", 1)}); break;
            case NetOp::UnitLength: writeUnitLength(node, inputs[0]); break;
            case NetOp::Linear: writeLinear(node, inputs); break;
            case NetOp::Softmax: writeNode("Softmax", inputs, output, {integer("axis", 1)}); break;
        }
        if (flatten) writeNode("Flatten", {output}, node.name, {integer("axis", 1)});
        if (mapOf(index).step > 0) writeQuantised(index);
    }

    Int8Map mapOf(int node) const {
        const bool has = format_ == OnnxFormat::Int8 && body_.empty() && node != kImageInput;
        return has ? quantisation_.maps[size_t(node)] : Int8Map();
    }

    // The tensor that input i of the node reads. An int8 one is made float for each reader by a node of its own:
    // OpenCV 5.0 fails where two share one.
    std::string inputName(const NetNode& node, size_t i) {
        const int input = node.inputs[i];
        if (input == kImageInput) return "image";
        const std::string& name = graph_.nodes[size_t(input)].name;
        if (!(mapOf(input).step > 0)) return name;
        const std::string read = name + "/for/" + node.name + "/" + std::to_string(i);
        writeNode("DequantizeLinear", {name + "/int8", name + "/step", name + "/zero"}, read);
        return read;
    }

    void writeQuantised(int index) {
        const std::string& name = graph_.nodes[size_t(index)].name;
        const Int8Map map = mapOf(index);
        const uint8_t zero = uint8_t(map.zero);
        initializer(name + "/step", {}, {map.step});
        tensorOf(kUint8, name + "/zero", {}, &zero, 1);
        writeNode("QuantizeLinear", {name, name + "/step", name + "/zero"}, name + "/int8");
    }

    static std::vector<Attribute> window(const NetNode& node) {
        return {integers("kernel_shape", {node.kernel, node.kernel}), integers("strides", {node.stride, node.stride}),
                integers("pads", {node.pad, node.pad, node.pad, node.pad})};
    }

    // As a BatchNormalization of mean 0, variance 1 and epsilon 0: OpenCV 4.6 reads Mul and Add of constants and then
    // fails in forward().
    void writeAffine(const NetNode& node, std::vector<std::string> inputs) {
        const int channels = node.shape.channels;
        inputs.push_back(initializer(node.name + "/scale", {channels}, node.weight));
        inputs.push_back(initializer(node.name + "/shift", {channels}, node.bias));
        inputs.push_back(initializer(node.name + "/mean", {channels}, std::vector<float>(size_t(channels), 0.f)));
        inputs.push_back(initializer(node.name + "/variance", {channels}, std::vector<float>(size_t(channels), 1.f)));
        writeNode("BatchNormalization", inputs, node.name, {number("epsilon", 0.f)});
    }

    void writeConv(int index, std::vector<std::string> inputs) {
        const NetNode& node = graph_.nodes[size_t(index)];
        const int under = node.in.channels / node.groups;  // input channels under one output channel
        const std::vector<int> shape = {node.shape.channels, under, node.kernel, node.kernel};
        const std::string weight = node.name + "/weight", bias = node.name + "/bias";
        if (format_ == OnnxFormat::Int8 && !quantisation_.convolutions[size_t(index)].steps.empty()) {
            const Int8Convolution& integers = quantisation_.convolutions[size_t(index)];
            const std::vector<int8_t> zeros(integers.steps.size(), 0);
            const std::vector<int32_t> biasZeros(integers.steps.size(), 0);
            writeRows(kInt8, weight, shape, integers.kernel, integers.steps, zeros);
            writeRows(kInt32, bias, {node.shape.channels}, integers.bias, integers.biasSteps, biasZeros);
        } else {
            weights(weight, shape, node.weight);
            initializer(bias, {node.shape.channels}, node.bias);
        }
        inputs.insert(inputs.end(), {weight, bias});
        std::vector<Attribute> attributes = window(node);
        if (node.groups > 1) attributes.push_back(integer("group", node.groups));
        writeNode("Conv", inputs, node.name, attributes);
    }

    // Integers with a step for each index of the first axis, made float under `name`.
    template <typename Integer>
    void writeRows(int type, const std::string& name, const std::vector<int>& shape, const std::vector<Integer>& values,
                   const std::vector<float>& steps, const std::vector<Integer>& zeros) {
        const std::vector<int> rows = {int(steps.size())};
        tensorOf(type, name + "/int", shape, values.data(), values.size());
        initializer(name + "/steps", rows, steps);
        tensorOf(type, name + "/zeros", rows, zeros.data(), zeros.size());
        writeNode("DequantizeLinear", {name + "/int", name + "/steps", name + "/zeros"}, name, {integer("axis", 0)});
    }

    void writeAvgPool(const NetNode& node, const std::vector<std::string>& inputs) {
        std::vector<Attribute> attributes = window(node);
        attributes.push_back(integer("count_include_pad", 0));
        writeNode("AveragePool", inputs, node.name, attributes);
    }

    // x / max(|x|, least). OpenCV 4.6 has no LpNormalization; it takes this pattern, a Clip with three inputs and all,
    // for one Normalize layer, x / sqrt(|x|^2 + 1e-10), which is the same to 1e-5 for |x| > 0.003.
    void writeUnitLength(const NetNode& node, const std::string& input) {
        const std::string norm = node.name + "/norm", clipped = norm + "/clipped", shape = node.name + "/shape";
        writeNode("ReduceL2", {input}, norm, {integers("axes", {1}), integer("keepdims", 1)});
        writeNode("Clip", {norm, initializer(norm + "/least", {}, {float(kLeastFeatureNorm)}), ""}, clipped);
        writeNode("Shape", {input}, shape);
        writeNode("Expand", {clipped, shape}, norm + "/expanded");
        writeNode("Div", {input, norm + "/expanded"}, node.name);
    }

    void writeLinear(const NetNode& node, std::vector<std::string> inputs) {
        inputs.push_back(weights(node.name + "/weight", {node.shape.channels, node.in.channels}, node.weight));
        inputs.push_back(initializer(node.name + "/bias", {node.shape.channels}, node.bias));
        writeNode("Gemm", inputs, node.name, {integer("transB", 1)});
    }

    // Writes a constant tensor and returns its name. Layer names hold no '/': no two are equal.
    std::string initializer(const std::string& name, const std::vector<int>& shape, const std::vector<float>& values) {
        return tensorOf(kFloat, name, shape, values.data(), values.size());
    }

    // A weight as the format has it: of 16 bits and made float, unless it has numbers that 16 bits cannot hold.
    std::string weights(const std::string& name, const std::vector<int>& shape, const std::vector<float>& values) {
        const auto tooGreat = [](float value) { return !(std::abs(value) <= kMostHalf); };
        if (format_ == OnnxFormat::Float || std::any_of(values.begin(), values.end(), tooGreat)) {
            return initializer(name, shape, values);
        }
        std::vector<uint16_t> halves(values.size());
        std::transform(values.begin(), values.end(), halves.begin(), floatToHalf);
        tensorOf(kFloat16, name + "/half", shape, halves.data(), halves.size());
        writeNode("Cast", {name + "/half"}, name, {integer("to", kFloat)});
        return name;
    }

    template <typename Number>
    std::string tensorOf(int type, const std::string& name, const std::vector<int>& shape, const Number* values,
                         size_t count) {
        out_.begin(graph_field::initializer);
        for (const int extent : shape) out_.integer(tensor::dims, extent);
        out_.integer(tensor::data_type, type);
        out_.text(tensor::name, name);
        out_.raw(tensor::raw_data, values, sizeof(Number) * count);
        out_.end();
        return name;
    }

    void writeNode(const char* type, const std::vector<std::string>& inputs, const std::string& output,
                   const std::vector<Attribute>& attributes = {}) {
        out_.begin(graph_field::node);
        for (const std::string& input : inputs) out_.text(node_field::input, input);
        out_.text(node_field::output, output);
        out_.text(node_field::name, output);
        out_.text(node_field::op_type, type);
        for (const Attribute& item : attributes) {
            out_.begin(node_field::attribute);
            out_.text(attribute::name, item.name);
            if (item.type == attribute::FLOAT) out_.number(attribute::f, item.number);
            for (const int value : item.integers) {
                out_.integer(item.type == attribute::INT ? attribute::i : attribute::ints, value);
            }
            out_.integer(attribute::type, item.type);
            out_.end();
        }
        out_.end();
    }

    // A float tensor of shape N x `shape`, N being whatever batch the reader gives.
    void writeValue(uint32_t field, const std::string& name, const std::vector<int>& shape) {
        out_.begin(field);
        out_.text(value_info::name, name);
        out_.begin(value_info::type);
        out_.begin(value_info::tensor_type);
        out_.integer(value_info::elem_type, kFloat);
        out_.begin(value_info::shape);
        out_.begin(value_info::dim);
        out_.text(value_info::dim_param, "N");
        out_.end();
        for (const int extent : shape) {
            out_.begin(value_info::dim);
            out_.integer(value_info::dim_value, extent);
            out_.end();
        }
        for (int message = 0; message < 4; ++message) out_.end();
    }

    const NetGraph& graph_;
    const OnnxFormat format_;
    const Quantisation& quantisation_;
    const std::vector<uint8_t>& body_;
    ProtobufWriter& out_;
};

struct OnnxSummary {
    bool version = false;
    ProtobufField graph;
    std::string producer;
    std::map<std::string, std::string> metadata;
    const uint8_t* checksum = nullptr;  // in the file: 16 digits
};

void readEntry(const ProtobufField& field, const std::string& where, OnnxSummary& summary) {
    ProtobufReader reader(field.data, field.size, where + ", metadata_props");
    ProtobufField part, key, value;
    while (reader.next(part)) {
        if (part.isBytes && part.number == entry::key) key = part;
        if (part.isBytes && part.number == entry::value) value = part;
    }
    if (!key.isBytes || !value.isBytes) fail(Failure::BadFile, where + ": a metadata entry has no key or no value");
    const std::string name = key.text();
    if (!summary.metadata.emplace(name, value.text()).second) {
        fail(Failure::BadFile, where + ": the metadata key " + inQuotes(name) + " stands twice");
    }
    if (name != kChecksum) return;
    if (value.size != kDigits) {
        fail(Failure::BadFile, where + ": its checksum has " + std::to_string(value.size) + " digits; 16 are expected");
    }
    summary.checksum = value.data;
}

OnnxSummary readModel(const std::vector<uint8_t>& bytes, const std::string& where) {
    OnnxSummary summary;
    ProtobufReader reader(bytes.data(), bytes.size(), where);
    ProtobufField field;
    while (reader.next(field)) {
        switch (field.number) {
            case model::ir_version: summary.version = !field.isBytes && field.value > 0; break;
            case model::graph:
                if (field.isBytes) summary.graph = field;
                break;
            case model::producer_name:
                if (field.isBytes) summary.producer = field.text();
                break;
            case model::metadata:
                if (field.isBytes) readEntry(field, where, summary);
                break;
            default: break;
        }
    }
    if (!summary.version || !summary.graph.isBytes) {
        fail(Failure::BadFile, where + ": is no ONNX model: it has no " + (summary.version ? "graph" : "ir_version"));
    }
    return summary;
}

// The producer and the keys must not be damaged both for a file of ours without its checksum to be noticed.
bool isOurs(const OnnxSummary& summary) {
    const std::string prefix = "hyperpred.";
    const auto first = summary.metadata.lower_bound(prefix);
    return summary.producer == kProducer ||
           (first != summary.metadata.end() && first->first.compare(0, prefix.size(), prefix) == 0);
}

void verifyChecksum(const std::vector<uint8_t>& bytes, const uint8_t* digits, const std::string& where) {
    std::vector<uint8_t> blanked = bytes;
    std::fill_n(blanked.begin() + (digits - bytes.data()), kDigits, uint8_t('0'));
    const std::string expected(digits, digits + kDigits);
    const std::string found = hexDigits(contentHash(blanked.data(), blanked.size()));
    if (expected != found) {
        fail(Failure::BadFile,
             where + ": is damaged: its checksum is " + inQuotes(expected) + ", its bytes give \"" + found + "\"");
    }
}

}  // namespace

const char* onnxFormatName(OnnxFormat format) {
    switch (format) {
        case OnnxFormat::Float: return "onnx";
        case OnnxFormat::Half: return "onnx-fp16";
        case OnnxFormat::Int8: return "onnx-int8";
    }
    fail(Failure::Internal, "unknown ONNX format");
}

OnnxFormat parseOnnxFormat(const std::string& name) {
    for (const OnnxFormat format : {OnnxFormat::Float, OnnxFormat::Half, OnnxFormat::Int8}) {
        if (name == onnxFormatName(format)) return format;
    }
    fail(Failure::BadArgument, "format \"" + name + "\" is not known; onnx, onnx-fp16 and onnx-int8 are");
}

std::vector<uint8_t> emitOnnx(const NetGraph& graph, OnnxFormat format, const Quantisation& quantisation,
                              const std::vector<uint8_t>& body) {
    if (format == OnnxFormat::Int8 && body.empty() && quantisation.maps.size() != graph.nodes.size()) {
        fail(Failure::Internal, "an int8 network needs the quantisation of its nodes");
    }
    std::vector<uint8_t> bytes = writeProtobuf(
        [&](ProtobufWriter& writer) { OnnxWriter(graph, format, quantisation, body, writer).write(); });
    // The checksum's digits, zeros so far, are the last bytes of the file.
    const std::string digits = hexDigits(contentHash(bytes.data(), bytes.size()));
    std::copy(digits.begin(), digits.end(), bytes.end() - std::ptrdiff_t(kDigits));
    return bytes;
}

std::string onnxChecksum(const std::vector<uint8_t>& bytes) {
    return std::string(bytes.end() - std::ptrdiff_t(kDigits), bytes.end());
}

std::vector<uint8_t> onnxBody(const std::vector<uint8_t>& bytes, const std::string& origin) {
    const std::string where = "ONNX file " + quotedPath(origin);
    const OnnxSummary summary = readModel(bytes, where);
    ProtobufReader reader(summary.graph.data, summary.graph.size, where + ", graph");
    ProtobufField field, part;
    while (reader.next(field)) {
        if (field.number != graph_field::node || !field.isBytes) continue;
        ProtobufReader node(field.data, field.size, where + ", node");
        while (node.next(part)) {
            if (part.number == node_field::output && part.isBytes && part.text() == "features") {
                return std::vector<uint8_t>(summary.graph.data, field.data + field.size);
            }
        }
    }
    fail(Failure::BadFile, where + ": no layer gives \"features\": not a network of hyperpred");
}

std::map<std::string, std::string> readOnnxMetadata(const std::vector<uint8_t>& bytes, const std::string& origin) {
    const std::string where = "ONNX file " + quotedPath(origin);
    const OnnxSummary summary = readModel(bytes, where);
    if (summary.checksum) {
        verifyChecksum(bytes, summary.checksum, where);
    } else if (isOurs(summary)) {
        fail(Failure::BadFile, where + ": is damaged: the checksum that hyperpred writes is missing");
    }
    return summary.metadata;
}

}  // namespace hyperpred
}  // namespace cv
