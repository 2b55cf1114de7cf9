// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "net_onnx.hpp"
#include "onnx_expansion.hpp"
#include "protobuf_reader.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

namespace {

const std::string kWhere = "ONNX file \"fuzz.onnx\"";

void checkFields(const std::vector<uint8_t>& bytes) {
    ProtobufReader reader(bytes.data(), bytes.size(), "expanded");
    for (ProtobufField field; reader.next(field);) {
    }
}

}  // namespace

// Any bytes become a well-formed model of float weights, or are refused; so is the part of the graph that gives the
// features.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::vector<uint8_t> bytes(data, data + size);
    try {
        checkFields(expandOnnx(bytes, "fuzz.onnx"));
    } catch (const cv::Exception& error) {
        checkRefusal(error, kWhere);
    }
    try {
        const std::vector<uint8_t> body = onnxBody(bytes, "fuzz.onnx");
        if (body.empty() || body.size() > bytes.size()) finding("a body larger than its network");
        checkFields(body);
    } catch (const cv::Exception& error) {
        checkRefusal(error, kWhere);
    }
    return 0;
}
