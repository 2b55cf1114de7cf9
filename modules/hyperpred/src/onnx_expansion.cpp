// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "onnx_expansion.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "error.hpp"
#include "half.hpp"
#include "onnx_fields.hpp"
#include "protobuf_reader.hpp"
#include "protobuf_writer.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using namespace onnx_fields;

struct Tensor {
    int64_t type = 0;
    std::vector<int64_t> dims;
    size_t count = 1;
    const uint8_t* raw = nullptr;
};

struct OnnxNode {
    ProtobufField whole;
    std::string type;
    std::vector<std::string> inputs;
    std::string output;
};

size_t itemSize(int64_t type) {
    switch (type) {
        case kFloat:
        case kInt32: return 4;
        case kFloat16: return 2;
        case kUint8:
        case kInt8: return 1;
        default: return 0;
    }
}

class Expansion {
public:
    Expansion(const std::vector<uint8_t>& bytes, const std::string& origin)
        : bytes_(bytes), where_("ONNX file " + quotedPath(origin)) {
        ProtobufReader reader(bytes.data(), bytes.size(), where_);
        for (ProtobufField field; reader.next(field);) {
            if (field.number != model::graph || !field.isBytes) continue;
            if (graphs_++ > 0) fail(Failure::BadFile, where_ + ": has two graphs; a model has one");
            readGraph(field);
        }
    }

    void write(ProtobufWriter& out) const {
        ProtobufReader reader(bytes_.data(), bytes_.size(), where_);
        for (ProtobufField field; reader.next(field);) {
            if (field.number != model::graph || !field.isBytes) {
                copy(field, out);
                continue;
            }
            out.begin(model::graph);
            writeGraph(field, out);
            out.end();
        }
    }

private:
    void readGraph(const ProtobufField& graph) {
        ProtobufReader reader(graph.data, graph.size, where_ + ", graph");
        for (ProtobufField field; reader.next(field);) {
            if (!field.isBytes) continue;
            if (field.number == graph_field::initializer) readTensor(field);
            if (field.number == graph_field::node) readNode(field);
        }
    }

    void readTensor(const ProtobufField& whole) {
        Tensor result;
        std::string name;
        size_t size = 0;
        ProtobufReader reader(whole.data, whole.size, where_ + ", a tensor");
        for (ProtobufField field; reader.next(field);) {
            if (field.number == tensor::dims && !field.isBytes) result.dims.push_back(int64_t(field.value));
            if (field.number == tensor::data_type && !field.isBytes) result.type = int64_t(field.value);
            if (field.number == tensor::name && field.isBytes) name = field.text();
            if (field.number == tensor::raw_data && field.isBytes) {
                result.raw = field.data;
                size = field.size;
            }
        }
        const size_t item = itemSize(result.type);
        bool right = item > 0 && size % item == 0;
        for (const int64_t extent : result.dims) {
            right = right && extent > 0 && result.count <= size && uint64_t(extent) <= size;
            if (right) result.count *= size_t(extent);
        }
        if (!right || result.count != size / item) {
            fail(Failure::BadFile, where_ + ", tensor " + inQuotes(name) + ": " + std::to_string(size) +
                                       " bytes of type " + std::to_string(result.type) + " do not fit its shape");
        }
        tensors_[name] = result;
        types_.push_back(result.type);
    }

    void readNode(const ProtobufField& whole) {
        OnnxNode node;
        node.whole = whole;
        ProtobufReader reader(whole.data, whole.size, where_ + ", a node");
        for (ProtobufField field; reader.next(field);) {
            if (!field.isBytes) continue;
            if (field.number == node_field::input) node.inputs.push_back(field.text());
            if (field.number == node_field::output) node.output = field.text();
            if (field.number == node_field::op_type) node.type = field.text();
        }
        nodes_.push_back(std::move(node));
    }

    const Tensor& constantOf(const OnnxNode& node, size_t input, int64_t type) const {
        const auto found = input < node.inputs.size() ? tensors_.find(node.inputs[input]) : tensors_.end();
        if (found == tensors_.end() || found->second.type != type) {
            fail(Failure::BadFile, where_ + ", node " + inQuotes(node.output) + ": its input " + std::to_string(input) +
                                       " is no constant of type " + std::to_string(type));
        }
        return found->second;
    }

    static void copy(const ProtobufField& field, ProtobufWriter& out) {
        if (field.isBytes) {
            out.raw(field.number, field.data, field.size);
        } else {
            out.integer(field.number, int64_t(field.value));
        }
    }

    void writeGraph(const ProtobufField& graph, ProtobufWriter& out) const {
        size_t nodes = 0, initializers = 0;
        ProtobufReader reader(graph.data, graph.size, where_ + ", graph");
        for (ProtobufField field; reader.next(field);) {
            if (field.number == graph_field::node && field.isBytes) {
                writeNode(nodes_[nodes++], out);
            } else if (field.number == graph_field::initializer && field.isBytes) {
                if (types_[initializers++] == kFloat) copy(field, out);
            } else {
                copy(field, out);
            }
        }
    }

    void writeNode(const OnnxNode& node, ProtobufWriter& out) const {
        const bool ofConstant = !node.inputs.empty() && tensors_.count(node.inputs[0]) > 0;
        if (node.type == "Cast" && ofConstant) {
            writeHalves(node, out);
        } else if (node.type == "DequantizeLinear" && ofConstant) {
            writeIntegers(node, out);
        } else if (node.type == "DequantizeLinear") {
            constantOf(node, 1, kFloat);
            plain("Mul", {node.inputs[0], node.inputs[1]}, node.output, out);
        } else if (node.type == "QuantizeLinear") {
            writeRounding(node, out);
        } else {
            out.raw(graph_field::node, node.whole.data, node.whole.size);
        }
    }

    void writeHalves(const OnnxNode& node, ProtobufWriter& out) const {
        const Tensor& halves = constantOf(node, 0, kFloat16);
        std::vector<float> values(halves.count);
        halvesToFloats(halves.raw, halves.count, values.data());
        constantTensor(node.output, halves.dims, values, out);
    }

    // Integers of one row, which the first axis counts, have one step. None is shifted: each zero point is 0.
    void writeIntegers(const OnnxNode& node, ProtobufWriter& out) const {
        const bool wide = tensors_.at(node.inputs[0]).type == kInt32;
        const Tensor& integers = constantOf(node, 0, wide ? kInt32 : kInt8);
        const Tensor& steps = constantOf(node, 1, kFloat);
        if (integers.count % steps.count != 0) {
            fail(Failure::BadFile, where_ + ", node " + inQuotes(node.output) + ": " + std::to_string(steps.count) +
                                       " steps for " + std::to_string(integers.count) + " integers");
        }
        const Tensor& zeros = constantOf(node, 2, wide ? kInt32 : kInt8);
        if (std::any_of(zeros.raw, zeros.raw + zeros.count * itemSize(zeros.type), [](uint8_t byte) { return byte; })) {
            fail(Failure::BadFile, where_ + ", node " + inQuotes(node.output) + ": a zero point of weights is not 0");
        }
        const size_t row = integers.count / steps.count;
        std::vector<float> values(integers.count);
        for (size_t i = 0; i < integers.count; ++i) {
            float step;
            std::memcpy(&step, steps.raw + 4 * (i / row), 4);
            int32_t integer;
            if (wide) std::memcpy(&integer, integers.raw + 4 * i, 4);
            values[i] = float(wide ? integer : int8_t(integers.raw[i])) * step;
        }
        constantTensor(node.output, integers.dims, values, out);
    }

    // (q - zero) as float: x / step, cut off at -zero and 255 - zero, rounded. The bounds are attributes, as before
    // opset 11: OpenCV 4.6 knows no others.
    void writeRounding(const OnnxNode& node, ProtobufWriter& out) const {
        const int zero = *constantOf(node, 2, kUint8).raw;
        const std::string divided = node.output + "/divided", cut = node.output + "/cut";
        constantOf(node, 1, kFloat);
        plain("Div", {node.inputs[0], node.inputs[1]}, divided, out);
        plain("Clip", {divided}, cut, out, {{"min", float(-zero)}, {"max", float(255 - zero)}});
        plain("Round", {cut}, node.output, out);
    }

    static void constantTensor(const std::string& name, const std::vector<int64_t>& dims,
                               const std::vector<float>& values, ProtobufWriter& out) {
        out.begin(graph_field::initializer);
        for (const int64_t extent : dims) out.integer(tensor::dims, extent);
        out.integer(tensor::data_type, kFloat);
        out.text(tensor::name, name);
        out.raw(tensor::raw_data, values.data(), 4 * values.size());
        out.end();
    }

    static void plain(const char* type, const std::vector<std::string>& inputs, const std::string& output,
                      ProtobufWriter& out, const std::map<std::string, float>& numbers = {}) {
        out.begin(graph_field::node);
        for (const std::string& input : inputs) out.text(node_field::input, input);
        out.text(node_field::output, output);
        out.text(node_field::name, output);
        out.text(node_field::op_type, type);
        for (const auto& item : numbers) {
            out.begin(node_field::attribute);
            out.text(attribute::name, item.first);
            out.number(attribute::f, item.second);
            out.integer(attribute::type, attribute::FLOAT);
            out.end();
        }
        out.end();
    }

    const std::vector<uint8_t>& bytes_;
    const std::string where_;
    int graphs_ = 0;
    std::map<std::string, Tensor> tensors_;
    std::vector<int64_t> types_;  // of the initializers, in their order
    std::vector<OnnxNode> nodes_;
};

}  // namespace

std::vector<uint8_t> expandOnnx(const std::vector<uint8_t>& bytes, const std::string& origin) {
    const Expansion expansion(bytes, origin);
    return writeProtobuf([&](ProtobufWriter& out) { expansion.write(out); });
}

}  // namespace hyperpred
}  // namespace cv
