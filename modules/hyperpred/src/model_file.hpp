// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_MODEL_FILE_HPP
#define HYPERPRED_MODEL_FILE_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

const uint64_t kMaxModelFileBytes = uint64_t(1) << 32;

// A dense float tensor in host memory, row-major.
struct Tensor {
    std::vector<int64_t> shape;
    std::vector<float> values;
};

enum class StorageType { F16, F32, U8 };

// A dense tensor of bytes, row-major: pixels, text.
struct ByteTensor {
    std::vector<int64_t> shape;
    std::vector<uint8_t> values;
};

// A safetensors file, checked in full when opened (rules and limits: doc/file_formats.md). Tensor bytes stay in the
// file (memory-mapped) until read.
class ModelFile {
public:
    struct Entry {
        StorageType type = StorageType::F32;
        std::vector<int64_t> shape;
        size_t begin = 0;  // byte offsets into the data section
        size_t end = 0;
    };

    // Throws Failure::BadFile or Failure::NotFound with a sentence that names the file and the tensor or key. A
    // "checksum" in the metadata must match: a damaged file is refused whole.
    static ModelFile open(const std::string& path);
    static ModelFile parse(std::vector<uint8_t> bytes, const std::string& origin);

    const std::string& origin() const;
    const std::map<std::string, std::string>& metadata() const;
    const std::map<std::string, Entry>& entries() const;
    const std::string& metadata(const std::string& key) const;  // throws when absent

    // The tensor as float; throws when it is absent, has another shape, holds NaN or Inf, or is one of bytes.
    Tensor read(const std::string& name, const std::vector<int64_t>& shape) const;
    // The bytes of a U8 tensor where they lie in the file; good for as long as a copy of this object lives.
    const uint8_t* bytes(const std::string& name, const std::vector<int64_t>& shape) const;

private:
    const uint8_t* find(const std::string& name, const std::vector<int64_t>& shape, const Entry*& entry) const;

    struct Contents;
    std::shared_ptr<const Contents> contents_;
};

// Writes to a temporary file beside `path`, syncs and renames: a reader sees the old file or the new one, never half.
// Adds the metadata key "checksum". F16 rounds to nearest even and throws where a value overflows; U8 is for bytes.
void writeModelFile(const std::string& path, const std::map<std::string, std::string>& metadata,
                    const std::map<std::string, Tensor>& tensors, StorageType type);
// The same bytes in memory; `where` opens the sentences about them.
std::vector<uint8_t> modelFileBytes(const std::string& where, const std::map<std::string, std::string>& metadata,
                                    const std::map<std::string, Tensor>& tensors, StorageType type);
void writeByteFile(const std::string& path, const std::map<std::string, std::string>& metadata,
                   const std::map<std::string, ByteTensor>& tensors);

}  // namespace hyperpred
}  // namespace cv

#endif
