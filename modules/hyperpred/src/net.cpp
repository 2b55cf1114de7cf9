// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "net.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "error.hpp"
#include "opencv_core.hpp"

namespace cv {
namespace hyperpred {

namespace {

const char* const kFeatures = "features";
const char* const kLogits = "logits";
const char* const kFamiliarity = "familiarity";
const char* const kProbabilities = "probabilities";

// Layer names hold no '/', so names with one never meet a layer's. A layer that has the name of an output of the net,
// or of the layer that cv::dnn adds for the input, steps aside.
std::string graphName(const std::string& layer) {
    const bool taken =
        layer == kFeatures || layer == kLogits || layer == kFamiliarity || layer == kProbabilities || layer == "_input";
    return taken ? layer + "/layer" : layer;
}

Shape vectorShape(int size) {
    Shape shape;
    shape.channels = size;
    shape.height = shape.width = 1;
    return shape;
}

void checkSize(size_t has, int64_t expected, const std::string& what, const std::string& place) {
    if (has == size_t(expected)) return;
    fail(Failure::BadArgument,
         place + ": expects " + std::to_string(expected) + " numbers of " + what + ", gets " + std::to_string(has));
}

// Grows the graph node by node; `place_` maps an architecture node to the graph node that computes its output.
class NetBuilder {
public:
    NetBuilder(const Architecture& architecture, NetworkWeights weights)
        : architecture_(architecture), weights_(std::move(weights)), place_(architecture.nodes.size(), -1) {
        graph_.architecture = architecture.name;
        graph_.size = architecture.size;
        checkSize(weights_.size(), int64_t(architecture.nodes.size()), "node weights", layerPlace());
    }

    void addStandIn(int columns) {
        NetNode node;
        node.name = kFeatures;
        node.op = NetOp::Concat;
        node.in = node.shape = vectorShape(columns);
        graph_.features = append(std::move(node));
    }

    void addNormalise() {
        NetNode node;
        node.name = "image/normalised";
        node.op = NetOp::Affine;
        node.inputs = {kImageInput};
        node.in = node.shape = {3, architecture_.size, architecture_.size};
        for (int c = 0; c < 3; ++c) {
            const double scale = 1 / double(architecture_.deviation[c]);
            node.weight.push_back(float(scale));
            node.bias.push_back(float(-double(architecture_.mean[c]) * scale));
        }
        graph_.nodes.push_back(std::move(node));
    }

    void addLayer(int index) {
        const Node& layer = architecture_.nodes[size_t(index)];
        if (layer.op == Op::BatchNorm) {
            const int source = layer.inputs.front();
            const bool folds = source != kImageInput && architecture_.nodes[size_t(source)].op == Op::Conv &&
                               batchNormOf(architecture_, source) == index;
            place_[size_t(index)] = folds ? foldBatchNorm(index) : appendBatchNorm(index);
            return;
        }
        NetNode node;
        node.name = graphName(layer.name);
        node.op = netOp(layer.op);
        node.kernel = layer.kernel;
        node.stride = layer.stride;
        node.pad = layer.pad;
        node.groups = layer.groups;
        node.in = inputShape(architecture_, layer);
        node.shape = layer.shape;
        for (const int input : layer.inputs) node.inputs.push_back(placeOf(input));
        if (layer.op == Op::Conv) {
            node.weight = std::move(weights_[size_t(index)].kernel.values);
            const int64_t row = int64_t(kernelInputs(architecture_, layer)) * layer.kernel * layer.kernel;
            checkSize(node.weight.size(), layer.out * row, "the kernel", layerPlace(layer));
            node.bias.assign(size_t(layer.out), 0.f);
        }
        place_[size_t(index)] = append(std::move(node));
    }

    // Pools the outputs of architecture nodes `stages` into one vector, "features".
    void addFeatures(const std::vector<int>& stages, Pooling pooling) {
        NetNode concat;
        for (const int stage : stages) {
            const std::string number = "stage" + std::to_string(concat.inputs.size() + 1);
            const std::string name = stages.size() == 1 ? kFeatures : number + "/pooled";
            int source = placeOf(stage);
            if (pooling == Pooling::Rms) {
                const Shape map = graph_.nodes[size_t(source)].shape;
                source = appendPlain(number + "/squares", NetOp::Square, source, map);
                graph_.nodes.back().inputs.push_back(graph_.nodes.back().inputs.front());
                source = appendPlain(number + "/power", NetOp::GlobalPool, source, vectorShape(map.channels));
            }
            const Shape in = graph_.nodes[size_t(source)].shape;
            const NetOp last = pooling == Pooling::Rms ? NetOp::Root : NetOp::GlobalPool;
            concat.inputs.push_back(appendPlain(name, last, source, vectorShape(in.channels)));
            concat.shape = vectorShape(concat.shape.channels + in.channels);
        }
        graph_.features = concat.inputs.front();
        if (stages.size() == 1) return;
        concat.name = kFeatures;
        concat.op = NetOp::Concat;
        concat.in = graph_.nodes[size_t(concat.inputs.front())].shape;
        graph_.features = append(std::move(concat));
    }

    void addHead(const Head& head) {
        const Shape features = graph_.nodes[size_t(graph_.features)].shape;
        const std::string place = layerPlace() + ", head " + headName(head.kind);
        checkSize(size_t(features.channels), head.columns, "features", place);
        checkSize(head.weight.size(), int64_t(head.classes) * head.columns, "the weight", place);
        checkSize(head.bias.size(), head.classes, "the bias", place);
        int source = graph_.features;
        if (head.normalise) {
            source = appendPlain("features/unit", NetOp::UnitLength, source, vectorShape(features.channels));
        }
        NetNode linear = plainNode(kLogits, NetOp::Linear, source, vectorShape(head.classes));
        linear.weight = head.weight;
        linear.bias = head.bias;
        graph_.logits = append(std::move(linear));
        addFamiliarity(head, place);
        graph_.probabilities = appendPlain(kProbabilities, NetOp::Softmax, graph_.logits, vectorShape(head.classes));
    }

    NetGraph take() { return std::move(graph_); }

private:
    // Distances from squares and products of whitened features, so that layers which every reader knows suffice.
    void addFamiliarity(const Head& head, const std::string& place) {
        const Familiarity& known = head.familiarity;
        const int64_t p = head.columns;
        checkSize(known.white.size(), p * p, "the whitening", place);
        checkSize(known.whiteBias.size(), p, "the whitening's bias", place);
        checkSize(known.means.size(), head.classes * p, "the whitened means", place);
        NetNode white = plainNode("familiarity/white", NetOp::Linear, graph_.features, vectorShape(head.columns));
        white.weight = known.white;
        white.bias = known.whiteBias;
        const int whitened = append(std::move(white));
        const int squares = appendPlain("familiarity/squares", NetOp::Square, whitened, vectorShape(head.columns));
        graph_.nodes.back().inputs.push_back(whitened);
        NetNode parts = plainNode("familiarity/parts", NetOp::Concat, squares, vectorShape(2 * head.columns));
        parts.inputs.push_back(whitened);
        NetNode closeness =
            plainNode("familiarity/closeness", NetOp::Linear, append(std::move(parts)), vectorShape(head.classes));
        for (int c = 0; c < head.classes; ++c) {
            const float* mean = known.means.data() + int64_t(c) * p;
            closeness.weight.insert(closeness.weight.end(), size_t(p), -known.distanceScale);
            double square = 0;
            for (int64_t j = 0; j < p; ++j) {
                closeness.weight.push_back(2 * known.distanceScale * mean[j]);
                square += double(mean[j]) * double(mean[j]);
            }
            closeness.bias.push_back(float(-double(known.distanceScale) * square));
        }
        const int close = append(std::move(closeness));
        NetNode scaled = plainNode("familiarity/logits", NetOp::Affine, graph_.logits, vectorShape(head.classes));
        scaled.weight.assign(size_t(head.classes), known.logitScale);
        scaled.bias.assign(size_t(head.classes), 0.f);
        const int logits = append(std::move(scaled));
        graph_.familiarity = appendPlain(kFamiliarity, NetOp::Add, close, vectorShape(head.classes));
        graph_.nodes.back().inputs.push_back(logits);
    }

    static NetOp netOp(Op op) {
        switch (op) {
            case Op::Conv: return NetOp::Conv;
            case Op::Relu: return NetOp::Relu;
            case Op::Add: return NetOp::Add;
            case Op::MaxPool: return NetOp::MaxPool;
            case Op::AvgPool: return NetOp::AvgPool;
            case Op::GlobalPool: return NetOp::GlobalPool;
            case Op::BatchNorm: break;
        }
        fail(Failure::Internal, std::string("a net has no node of kind ") + opName(op));
    }

    std::string layerPlace() const { return "architecture \"" + architecture_.name + "\""; }
    std::string layerPlace(const Node& layer) const { return layerPlace() + ", layer \"" + layer.name + "\""; }

    int placeOf(int node) const { return node == kImageInput ? 0 : place_[size_t(node)]; }

    int append(NetNode node) {
        graph_.nodes.push_back(std::move(node));
        return int(graph_.nodes.size()) - 1;
    }

    NetNode plainNode(const std::string& name, NetOp op, int source, const Shape& shape) const {
        NetNode node;
        node.name = name;
        node.op = op;
        node.inputs = {source};
        node.in = graph_.nodes[size_t(source)].shape;
        node.shape = shape;
        return node;
    }
    int appendPlain(const std::string& name, NetOp op, int source, const Shape& shape) {
        return append(plainNode(name, op, source, shape));
    }

    // y = gamma (x - mean) / sqrt(variance + eps) + beta as y = gain x + shift of each channel. In double, since mean
    // and beta may nearly cancel.
    struct GainAndShift {
        std::vector<double> gain, shift;
    };
    GainAndShift gainAndShift(int index) const {
        const Node& layer = architecture_.nodes[size_t(index)];
        const NodeWeights& norm = weights_[size_t(index)];
        for (const std::vector<float>* part : {&norm.gamma, &norm.beta, &norm.mean, &norm.variance}) {
            checkSize(part->size(), layer.shape.channels, "gamma, beta, mean and variance each", layerPlace(layer));
        }
        GainAndShift result;
        for (size_t c = 0; c < norm.gamma.size(); ++c) {
            const double gain = double(norm.gamma[c]) / std::sqrt(double(norm.variance[c]) + double(kBatchNormEpsilon));
            result.gain.push_back(gain);
            result.shift.push_back(double(norm.beta[c]) - double(norm.mean[c]) * gain);
        }
        return result;
    }

    // Returns the convolution's place: its node now gives the batch-norm's output.
    int foldBatchNorm(int index) {
        const int place = placeOf(architecture_.nodes[size_t(index)].inputs.front());
        const GainAndShift norm = gainAndShift(index);
        NetNode& conv = graph_.nodes[size_t(place)];
        const size_t row = conv.weight.size() / norm.gain.size();
        cv::parallel_for_(cv::Range(0, int(norm.gain.size())), [&](const cv::Range& range) {
            for (size_t o = size_t(range.start); o < size_t(range.end); ++o) {
                float* const kernel = conv.weight.data() + o * row;
                for (size_t i = 0; i < row; ++i) kernel[i] = float(double(kernel[i]) * norm.gain[o]);
                conv.bias[o] = float(norm.shift[o]);
            }
        });
        return place;
    }

    int appendBatchNorm(int index) {
        const Node& layer = architecture_.nodes[size_t(index)];
        const GainAndShift norm = gainAndShift(index);
        NetNode node;
        node.name = graphName(layer.name);
        node.op = NetOp::Affine;
        node.inputs = {placeOf(layer.inputs.front())};
        node.in = node.shape = layer.shape;
        node.weight.assign(norm.gain.begin(), norm.gain.end());
        node.bias.assign(norm.shift.begin(), norm.shift.end());
        return append(std::move(node));
    }

    const Architecture& architecture_;
    NetworkWeights weights_;  // kernels go from here into the graph
    std::vector<int> place_;
    NetGraph graph_;
};

// Architecture nodes of the stages (1-based, ascending).
std::vector<int> stageNodes(const Architecture& architecture, const std::vector<int>& stages) {
    featureCount(architecture, stages);  // throws for a stage that does not exist
    if (stages.empty()) fail(Failure::BadArgument, "architecture \"" + architecture.name + "\": no stages are chosen");
    std::vector<int> nodes;
    for (size_t i = 0; i < stages.size(); ++i) {
        if (i > 0 && stages[i] <= stages[i - 1]) {
            fail(Failure::BadArgument, "architecture \"" + architecture.name + "\": stages must ascend, " +
                                           std::to_string(stages[i]) + " follows " + std::to_string(stages[i - 1]));
        }
        nodes.push_back(architecture.stages[size_t(stages[i]) - 1]);
    }
    return nodes;
}

// What the stages depend on; later layers stay out of the net.
std::vector<bool> neededNodes(const Architecture& architecture, const std::vector<int>& stages) {
    std::vector<bool> needed(architecture.nodes.size(), false);
    for (const int stage : stages) needed[size_t(stage)] = true;
    for (size_t i = architecture.nodes.size(); i-- > 0;) {
        if (!needed[i]) continue;
        for (const int input : architecture.nodes[i].inputs) {
            if (input != kImageInput) needed[size_t(input)] = true;
        }
    }
    return needed;
}

}  // namespace

NetGraph buildNet(const Architecture& architecture, NetworkWeights weights, const FeatureChoice& choice,
                  const Head& head, const std::map<std::string, std::string>& metadata) {
    const std::vector<int> pooled = stageNodes(architecture, choice.stages);
    const std::vector<bool> needed = neededNodes(architecture, pooled);
    NetBuilder builder(architecture, std::move(weights));
    builder.addNormalise();
    for (size_t i = 0; i < needed.size(); ++i) {
        if (needed[i]) builder.addLayer(int(i));
    }
    builder.addFeatures(pooled, choice.pooling);
    builder.addHead(head);
    NetGraph graph = builder.take();
    graph.metadata = metadata;
    return graph;
}

NetGraph buildHead(const std::string& architecture, int size, const Head& head,
                   const std::map<std::string, std::string>& metadata) {
    Architecture empty;
    empty.name = architecture;
    empty.size = size;
    NetBuilder builder(empty, NetworkWeights());
    builder.addStandIn(head.columns);
    builder.addHead(head);
    NetGraph graph = builder.take();
    graph.metadata = metadata;
    return graph;
}

}  // namespace hyperpred
}  // namespace cv
