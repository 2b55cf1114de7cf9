// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_NET_HPP
#define HYPERPRED_NET_HPP

#include <map>
#include <string>
#include <vector>

#include "architecture.hpp"
#include "feature_choice.hpp"
#include "generators.hpp"
#include "head.hpp"

namespace cv {
namespace hyperpred {

// The small immutable graph that both emitters walk: batch-norm folded, head attached, nothing device-specific.
enum class NetOp {
    Affine,
    Conv,
    Relu,
    Add,
    MaxPool,
    AvgPool,
    GlobalPool,
    Square,
    Root,
    Concat,
    UnitLength,
    Linear,
    Softmax
};

struct NetNode {
    std::string name;  // also the name of its output tensor
    NetOp op = NetOp::Conv;
    std::vector<int> inputs;  // indices into Net::nodes, or kImageInput; Square: the same one twice
    int kernel = 1, stride = 1, pad = 0;
    int groups = 1;             // Conv: 1, or depthwise: the number of channels
    std::vector<float> weight;  // Conv: O x I / groups x k x k; Linear: O x I; Affine: a scale a channel
    std::vector<float> bias;    // Conv, Linear: O; Affine: a shift a channel; y = scale x + shift
    Shape in, shape;            // of the first input and of the output; vectors are (n, 1, 1)
};

// Outputs "features" (pooled stages, concatenated), "logits", "familiarity", "probabilities". Input "image":
// N x 3 x S x S, RGB, 0..255, as cv::dnn::blobFromImages(images, 1.0, Size(S, S), Scalar(), swapRB=true, crop=false)
// makes it.
struct NetGraph {
    std::string architecture;
    int size = 0;
    std::vector<NetNode> nodes;
    int features = -1, logits = -1, familiarity = -1, probabilities = -1;
    std::map<std::string, std::string> metadata;  // class names, threshold, preprocessing: doc/file_formats.md
};

// Folds each batch_norm into the convolution before it, or makes it a layer of its own where it follows something else
// or something else takes the convolution's output; puts the input normalisation in front (never folded across zero
// padding), pools the stages, attaches the head.
NetGraph buildNet(const Architecture& architecture, NetworkWeights weights, const FeatureChoice& choice,
                  const Head& head, const std::map<std::string, std::string>& metadata);

// A head on features that another network computes: node 0 stands for them and is no layer. For replaceHead().
NetGraph buildHead(const std::string& architecture, int size, const Head& head,
                   const std::map<std::string, std::string>& metadata);

}  // namespace hyperpred
}  // namespace cv

#endif
