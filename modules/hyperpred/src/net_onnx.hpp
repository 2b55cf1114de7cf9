// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_NET_ONNX_HPP
#define HYPERPRED_NET_ONNX_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net.hpp"
#include "quantisation.hpp"

namespace cv {
namespace hyperpred {

// How the weights stand in the file (doc/file_formats.md). Half: weights of 16 bits, computed in float. Int8: QDQ, with
// convolutions, sums and the maps between them in integers.
enum class OnnxFormat { Float, Half, Int8 };
const char* onnxFormatName(OnnxFormat format);  // "onnx", "onnx-fp16", "onnx-int8"
// Throws Failure::BadArgument for another name.
OnnxFormat parseOnnxFormat(const std::string& name);

// Metadata key of the format's name; a file without it has float weights.
const char* const kOnnxFormatKey = "hyperpred.format";

// The graph as an ONNX model, opset 13, symbolic batch "N"; the same graph gives the same bytes. The metadata become
// metadata_props, with "hyperpred.checksum" over everything else in the file. `quantisation` is read for Int8 only.
// `body`: see onnxBody().
std::vector<uint8_t> emitOnnx(const NetGraph& graph, OnnxFormat format = OnnxFormat::Float,
                              const Quantisation& quantisation = {}, const std::vector<uint8_t>& body = {});
// "hyperpred.checksum" of what emitOnnx() gave.
std::string onnxChecksum(const std::vector<uint8_t>& bytes);

// The part of a file that hyperpred wrote which computes "features", as emitOnnx() takes it for `body`: then the graph
// is that of buildHead(), the new file has the old body byte for byte, and `format` is the old file's.
std::vector<uint8_t> onnxBody(const std::vector<uint8_t>& bytes, const std::string& origin);

// metadata_props of an ONNX file in memory, without reading the tensors. Throws Failure::BadFile naming `origin` when
// the bytes are no ONNX model, when "hyperpred.checksum" does not match, or when it is missing although producer or
// metadata say that hyperpred wrote the file. Files of others need none.
std::map<std::string, std::string> readOnnxMetadata(const std::vector<uint8_t>& bytes, const std::string& origin);

}  // namespace hyperpred
}  // namespace cv

#endif
