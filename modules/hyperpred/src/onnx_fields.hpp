// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_ONNX_FIELDS_HPP
#define HYPERPRED_ONNX_FIELDS_HPP

#include <cstdint>

namespace cv {
namespace hyperpred {

// Field numbers and constants of onnx.proto, as far as a predicted network has them.
namespace onnx_fields {

enum DataType : int { kFloat = 1, kUint8 = 2, kInt8 = 3, kInt32 = 6, kFloat16 = 10 };  // of TensorProto

namespace model {
enum : uint32_t { ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8, metadata = 14 };
}
namespace entry {  // of metadata
enum : uint32_t { key = 1, value = 2 };
}
namespace opset {
enum : uint32_t { domain = 1, version = 2 };
}
namespace graph_field {
enum : uint32_t { node = 1, name = 2, initializer = 5, input = 11, output = 12 };
}
namespace node_field {
enum : uint32_t { input = 1, output = 2, name = 3, op_type = 4, attribute = 5 };
}
namespace attribute {
enum : uint32_t { name = 1, f = 2, i = 3, ints = 8, type = 20 };
enum : int { FLOAT = 1, INT = 2, INTS = 7 };
}  // namespace attribute
namespace tensor {
enum : uint32_t { dims = 1, data_type = 2, name = 8, raw_data = 9 };
}
namespace value_info {
enum : uint32_t { name = 1, type = 2 };
enum : uint32_t { tensor_type = 1 };               // of type
enum : uint32_t { elem_type = 1, shape = 2 };      // of tensor_type
enum : uint32_t { dim = 1 };                       // of shape
enum : uint32_t { dim_value = 1, dim_param = 2 };  // of dim
}  // namespace value_info

}  // namespace onnx_fields

}  // namespace hyperpred
}  // namespace cv

#endif
