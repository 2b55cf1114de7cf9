// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ARCHITECTURE_HPP
#define HYPERPRED_ARCHITECTURE_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

enum class Op { Conv, BatchNorm, Relu, Add, MaxPool, AvgPool, GlobalPool };

// Channels, rows and columns of one image's activation.
struct Shape {
    int channels = 0;
    int height = 0;
    int width = 0;
};

const int kImageInput = -1;  // stands in Node::inputs for the network's input image

// One operation of the target network. Convolutions carry no bias: a batch_norm follows or nothing does. They are
// ordinary (groups 1, kernel O x I x k x k) or depthwise (as many groups as channels in and out, C x 1 x k x k).
struct Node {
    std::string name;
    Op op = Op::Conv;
    std::vector<int> inputs;  // indices of earlier nodes, or kImageInput; two for Add, else one
    int out = 0;              // Conv: output channels
    int kernel = 1;           // Conv, MaxPool, AvgPool: square window
    int stride = 1;
    int pad = 0;
    int groups = 1;           // Conv: 1, or the number of channels
    Shape shape;              // of the output, filled by shape inference
};

// A target network as its JSON document describes it: a flat list of named nodes in topological order.
struct Architecture {
    std::string name;
    int size = 0;             // images enter as size x size pixels
    float mean[3] = {0, 0, 0};       // per channel, RGB order, in 0..255 units
    float deviation[3] = {1, 1, 1};  // per channel, RGB order, in 0..255 units
    std::vector<Node> nodes;
    std::vector<int> stages;  // nodes whose outputs, averaged over space, are the features; stage 1 first
};

// Parses, checks every limit of doc/limits.md and infers the shapes. `origin` (a path, or "metadata of
// model.safetensors") opens each error sentence. Throws Failure::BadFile.
Architecture parseArchitecture(const std::string& json, const std::string& origin);
Architecture loadArchitecture(const std::string& path);

// The document again: parseArchitecture(toJson(a)) equals a. `indent` < 0 gives one line.
std::string toJson(const Architecture& architecture, int indent = -1);

const char* opName(Op op);
Shape inputShape(const Architecture& architecture, const Node& node, size_t which = 0);

// A convolution whose channels each have a kernel of their own and see nothing else.
bool isDepthwise(const Node& node);
// Input channels that one output channel of a convolution sees: the second extent of its kernel.
int kernelInputs(const Architecture& architecture, const Node& node);

// Convolutions in topological order: the layers that the hypernetwork predicts, one recurrent step each.
std::vector<int> predictedLayers(const Architecture& architecture);

// Number of features when the stages `stages` (1-based, ascending) are pooled.
int featureCount(const Architecture& architecture, const std::vector<int>& stages);

struct Cost {
    int64_t flops = 0;        // multiply and add counted as two, one image
    int64_t parameters = 0;   // kernels, gammas and betas
    int64_t activations = 0;  // bytes of all float outputs, one image
};
Cost nodeCost(const Architecture& architecture, const Node& node);
Cost totalCost(const Architecture& architecture);

}  // namespace hyperpred
}  // namespace cv

#endif
