// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "net_onnx.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

// Any bytes are an ONNX model, with a checksum that holds if it names itself ours, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const auto metadata = readOnnxMetadata(std::vector<uint8_t>(data, data + size), "fuzz.onnx");
        size_t bytes = 0;
        for (const auto& item : metadata) {
            bytes += item.first.size() + item.second.size();
            if (item.first.compare(0, 10, "hyperpred.") == 0 && metadata.count("hyperpred.checksum") == 0) {
                finding("metadata of ours without a checksum");
            }
        }
        if (bytes > size) finding("more metadata than bytes");
    } catch (const cv::Exception& error) {
        checkRefusal(error, "ONNX file \"fuzz.onnx\"");
    }
    return 0;
}
