// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "net_opencv.hpp"

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

using cv::dnn::LayerParams;

// Normalize divides by sqrt(sum of squares + eps): the root of this is kLeastFeatureNorm.
const double kUnitLengthEpsilon = kLeastFeatureNorm * kLeastFeatureNorm;

// A copy: the net outlives the graph.
cv::Mat blob(const std::vector<float>& values, const std::vector<int>& shape) {
    cv::Mat result(int(shape.size()), shape.data(), CV_32F);
    CV_Assert(result.total() == values.size());
    std::copy(values.begin(), values.end(), result.ptr<float>());
    return result;
}

void setWindow(LayerParams& params, const NetNode& node) {
    params.set("kernel_size", node.kernel);
    params.set("stride", node.stride);
    params.set("pad", node.pad);
}

LayerParams convolution(const NetNode& node) {
    LayerParams params;
    params.type = "Convolution";
    setWindow(params, node);
    params.set("num_output", node.shape.channels);
    params.set("group", node.groups);
    params.set("bias_term", true);
    const int inputs = node.in.channels / node.groups;
    params.blobs = {blob(node.weight, {node.shape.channels, inputs, node.kernel, node.kernel}),
                    blob(node.bias, {1, node.shape.channels})};
    return params;
}

LayerParams pooling(const NetNode& node) {
    LayerParams params;
    params.type = "Pooling";
    params.set("pool", node.op == NetOp::MaxPool ? "max" : "ave");
    params.set("ceil_mode", false);  // the default is true
    if (node.op == NetOp::GlobalPool) {
        params.set("global_pooling", true);
    } else {
        setWindow(params, node);
    }
    return params;
}

LayerParams weighted(const char* type, const NetNode& node, const std::vector<int>& weightShape) {
    LayerParams params;
    params.type = type;
    params.set("axis", 1);
    params.set("bias_term", true);
    params.set("num_output", node.shape.channels);
    params.blobs = {blob(node.weight, weightShape), blob(node.bias, {1, node.shape.channels})};
    return params;
}

LayerParams alongChannels(const char* type) {
    LayerParams params;
    params.type = type;
    params.set("axis", 1);
    return params;
}

LayerParams eltwise(const char* operation) {
    LayerParams params;
    params.type = "Eltwise";
    params.set("operation", operation);
    return params;
}

LayerParams root() {
    LayerParams params;
    params.type = "Power";
    params.set("power", 0.5);
    return params;
}

LayerParams unitLength() {
    LayerParams params;
    params.type = "Normalize";
    params.set("p", 2);
    params.set("across_spatial", true);  // the norm is taken over everything behind the batch axis
    params.set("eps", kUnitLengthEpsilon);
    return params;
}

LayerParams layerOf(const NetNode& node) {
    LayerParams relu;
    switch (node.op) {
        case NetOp::Affine: return weighted("Scale", node, {1, node.shape.channels});
        case NetOp::Conv: return convolution(node);
        case NetOp::Relu: relu.type = "ReLU"; return relu;
        case NetOp::Add: return eltwise("sum");
        case NetOp::MaxPool:
        case NetOp::AvgPool:
        case NetOp::GlobalPool: return pooling(node);
        case NetOp::Square: return eltwise("prod");
        case NetOp::Root: return root();
        case NetOp::Concat: return alongChannels("Concat");
        case NetOp::UnitLength: return unitLength();
        case NetOp::Linear: return weighted("InnerProduct", node, {node.shape.channels, node.in.channels});
        case NetOp::Softmax: return alongChannels("Softmax");
    }
    fail(Failure::Internal, "net node \"" + node.name + "\" is of an unknown kind");
}

class NetWriter {
public:
    explicit NetWriter(const NetGraph& graph) : graph_(graph) {
        net_.setInputsNames({"image"});
        for (const NetNode& node : graph.nodes) addNode(node);
        // forward() without a name gives the output of the layer added last.
        LayerParams identity;
        identity.type = "Identity";
        add(outputName(graph.logits), identity, {layers_[size_t(graph.logits)]});
    }

    cv::dnn::Net take() { return net_; }

private:
    const std::string& outputName(int node) const { return graph_.nodes[size_t(node)].name; }

    void addNode(const NetNode& node) {
        const int index = int(layers_.size());
        std::vector<int> sources;
        for (const int input : node.inputs) sources.push_back(input == kImageInput ? 0 : layers_[size_t(input)]);
        if (index == graph_.features) {  // N x p x 1 x 1 -> N x p
            const int map = add(node.name + "/map", layerOf(node), sources);
            layers_.push_back(add(node.name, alongChannels("Flatten"), {map}));
        } else {
            layers_.push_back(add(index == graph_.logits ? node.name + "/linear" : node.name, layerOf(node), sources));
        }
    }

    int add(const std::string& name, LayerParams params, const std::vector<int>& sources) {
        params.name = name;
        const int id = net_.addLayer(name, params.type, params);
        for (size_t i = 0; i < sources.size(); ++i) net_.connect(sources[i], 0, id, int(i));
        return id;
    }

    const NetGraph& graph_;
    cv::dnn::Net net_;
    std::vector<int> layers_;  // layer id of each graph node; 0 is the input
};

}  // namespace

cv::dnn::Net emitOpenCV(const NetGraph& graph) {
    return NetWriter(graph).take();
}

}  // namespace hyperpred
}  // namespace cv
