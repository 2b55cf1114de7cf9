// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "activation_ranges.hpp"

#include <algorithm>
#include <opencv2/dnn.hpp>

#include "net_opencv.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kBatch = 16;  // images forwarded at once: all their maps are in memory

cv::Mat toBlob(const ImageBatch& images, int first, int count) {
    std::vector<cv::Mat> mats;
    const size_t bytes = size_t(images.size) * size_t(images.size) * 3;
    for (int i = first; i < first + count; ++i) {
        mats.emplace_back(images.size, images.size, CV_8UC3, const_cast<uint8_t*>(images.pixels + size_t(i) * bytes));
    }
    return cv::dnn::blobFromImages(mats, 1.0, cv::Size(images.size, images.size), cv::Scalar(), true, false);
}

}  // namespace

std::vector<ActivationRange> activationRanges(const NetGraph& graph, const std::vector<int>& nodes,
                                              const ImageBatch& images, const std::function<void(double)>& progress) {
    cv::dnn::Net net = emitOpenCV(graph);
    net.enableFusion(false);  // each output as the graph has it
    std::vector<cv::String> names;
    for (const int node : nodes) names.push_back(graph.nodes[size_t(node)].name);
    std::vector<ActivationRange> ranges(graph.nodes.size());
    for (int first = 0; first < images.count; first += kBatch) {
        if (progress) progress(double(first) / double(images.count));
        net.setInput(toBlob(images, first, std::min(kBatch, images.count - first)));
        std::vector<cv::Mat> outs;
        net.forward(outs, names);
        for (size_t i = 0; i < nodes.size(); ++i) {
            double low = 0, high = 0;
            cv::minMaxIdx(outs[i].reshape(1, 1), &low, &high);
            ActivationRange& range = ranges[size_t(nodes[i])];
            range.low = std::min(range.low, float(low));
            range.high = std::max(range.high, float(high));
        }
    }
    return ranges;
}

}  // namespace hyperpred
}  // namespace cv
