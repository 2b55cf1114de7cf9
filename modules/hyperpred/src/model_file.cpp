// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "model_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "atomic_file.hpp"
#include "error.hpp"
#include "half.hpp"
#include "hash.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using nlohmann::json;

const uint64_t kMaxHeaderBytes = uint64_t(1) << 24;
const size_t kLengthBytes = 8;    // the header's length opens the file
const size_t kMaxNesting = 3;     // file, tensor, shape
const size_t kDigits = 16;        // of the checksum
const char* const kMetadata = "__metadata__";
const char* const kChecksum = "checksum";

size_t itemSize(StorageType type) {
    return type == StorageType::U8 ? 1 : type == StorageType::F16 ? 2 : 4;
}

const char* typeName(StorageType type) {
    return type == StorageType::U8 ? "U8" : type == StorageType::F16 ? "F16" : "F32";
}

std::string text(const std::vector<int64_t>& shape) {
    std::string result;
    for (int64_t extent : shape) result += (result.empty() ? "" : " x ") + std::to_string(extent);
    return result.empty() ? "()" : result;
}

// False where the product leaves 64 bits or an extent is negative.
bool countElements(const std::vector<int64_t>& shape, uint64_t& count) {
    count = 1;
    for (int64_t extent : shape) {
        if (extent < 0 || __builtin_mul_overflow(count, uint64_t(extent), &count)) return false;
    }
    return true;
}

std::string digitsOf(uint64_t hash) {
    std::string digits(kDigits, '0');
    for (size_t i = 0; i < kDigits; ++i) digits[i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 15u];
    return digits;
}

// Where the checksum's digits stand in the header, or npos unless exactly one place fits. A quote inside a JSON
// string is escaped, so the pattern meets keys only.
size_t findChecksum(const std::string& header) {
    const std::string key = std::string("\"") + kChecksum + "\"", spaces = " \t\r\n";
    size_t result = std::string::npos;
    for (size_t at = header.find(key); at != std::string::npos; at = header.find(key, at + 1)) {
        const size_t colon = header.find_first_not_of(spaces, at + key.size());
        if (colon == std::string::npos || header[colon] != ':') continue;
        const size_t quote = header.find_first_not_of(spaces, colon + 1);
        if (quote == std::string::npos || header[quote] != '"') continue;
        if (header.find('"', quote + 1) != quote + 1 + kDigits) continue;
        if (result != std::string::npos) return std::string::npos;
        result = quote + 1;
    }
    return result;
}

// The whole file in memory: its own bytes, or a private mapping whose changes never reach the disk.
class FileBytes {
public:
    explicit FileBytes(std::vector<uint8_t> bytes)
        : owned_(std::move(bytes)), data_(owned_.data()), size_(owned_.size()) {}
    FileBytes(void* mapping, size_t size) : data_(static_cast<uint8_t*>(mapping)), size_(size), mapped_(true) {}
    ~FileBytes() {
        if (mapped_) ::munmap(data_, size_);
    }
    FileBytes(const FileBytes&) = delete;
    FileBytes& operator=(const FileBytes&) = delete;

    uint8_t* data() const { return data_; }
    size_t size() const { return size_; }

private:
    std::vector<uint8_t> owned_;
    uint8_t* data_;
    size_t size_;
    bool mapped_ = false;
};

struct Descriptor {
    int number;
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
};

std::unique_ptr<FileBytes> mapFile(const std::string& path, const std::string& where) {
    // Not blocking: a named pipe without a writer would hold the caller for ever.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number < 0) {
        fail(errno == ENOENT ? Failure::NotFound : Failure::BadFile, where + ": cannot be opened: " +
                                                                         std::strerror(errno));
    }
    struct stat status;
    if (::fstat(file.number, &status) != 0) fail(Failure::BadFile, where + ": " + std::strerror(errno));
    if (!S_ISREG(status.st_mode)) fail(Failure::BadFile, where + ": is not a regular file");
    if (status.st_size == 0) return std::make_unique<FileBytes>(std::vector<uint8_t>());
    const auto size = static_cast<size_t>(status.st_size);
    void* mapping = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.number, 0);
    if (mapping == MAP_FAILED) fail(Failure::BadFile, where + ": cannot be mapped: " + std::strerror(errno));
    return std::make_unique<FileBytes>(mapping, size);
}

std::string readHeader(const FileBytes& file, const std::string& where) {
    if (file.size() < kLengthBytes) {
        fail(Failure::BadFile, where + ": has " + std::to_string(file.size()) + " bytes; a safetensors file has at " +
                                   "least " + std::to_string(kLengthBytes));
    }
    if (file.size() > kMaxModelFileBytes) {
        fail(Failure::BadFile, where + ": has " + std::to_string(file.size()) + " bytes; the limit is " +
                                   std::to_string(kMaxModelFileBytes));
    }
    uint64_t length = 0;
    for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t(file.data()[i]) << (8 * i);
    const uint64_t limit = std::min<uint64_t>(kMaxHeaderBytes, file.size() - kLengthBytes);
    if (length > limit) {
        fail(Failure::BadFile, where + ": its header claims " + std::to_string(length) + " bytes; at most " +
                                   std::to_string(limit) + " are possible");
    }
    std::string header(reinterpret_cast<const char*>(file.data()) + kLengthBytes, size_t(length));
    if (header.empty() || header[0] != '{') fail(Failure::BadFile, where + ": its header does not begin with '{'");
    return header;
}

uint64_t countIn(const json& value, const char* key, uint64_t limit, const std::string& where) {
    const uint64_t number = value.is_number_unsigned() ? value.get<uint64_t>() : 0;
    if (!value.is_number_unsigned() || number > limit) {
        fail(Failure::BadFile, where + ": \"" + key + "\" must hold integers in 0.." + std::to_string(limit) +
                                   ", holds " + kindOf(value));
    }
    return number;
}

StorageType parseType(const std::string& name, const std::string& where) {
    for (const StorageType type : {StorageType::F16, StorageType::F32, StorageType::U8}) {
        if (name == typeName(type)) return type;
    }
    fail(Failure::BadFile, where + ": its dtype is " + inQuotes(name) + "; F16, F32 and U8 are supported");
}

ModelFile::Entry parseEntry(const json& value, uint64_t dataBytes, const std::string& where) {
    requireObject(value, where);
    refuseUnknownKeys(value, {"dtype", "shape", "data_offsets"}, where);
    ModelFile::Entry entry;
    entry.type = parseType(stringAt(value, "dtype", where), where);
    for (const json& extent : arrayAt(value, "shape", where)) {
        entry.shape.push_back(int64_t(countIn(extent, "shape", uint64_t(INT64_MAX), where)));
    }
    const json& offsets = arrayAt(value, "data_offsets", where);
    if (offsets.size() != 2) {
        fail(Failure::BadFile, where + ": \"data_offsets\" must be two, are " + std::to_string(offsets.size()));
    }
    entry.begin = countIn(offsets[0], "data_offsets", dataBytes, where);
    entry.end = countIn(offsets[1], "data_offsets", dataBytes, where);
    uint64_t bytes = 0;
    if (!countElements(entry.shape, bytes) || __builtin_mul_overflow(bytes, itemSize(entry.type), &bytes)) {
        fail(Failure::BadFile, where + ": its shape " + text(entry.shape) + " has more bytes than 64 bits count");
    }
    if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
        fail(Failure::BadFile, where + ": its offsets " + std::to_string(entry.begin) + ".." +
                                   std::to_string(entry.end) + " do not span the " + std::to_string(bytes) +
                                   " bytes of its shape " + text(entry.shape));
    }
    return entry;
}

using Entries = std::map<std::string, ModelFile::Entry>;

// Every byte of the data section belongs to exactly one tensor.
void requireTiling(const Entries& entries, size_t dataBytes, const std::string& where) {
    std::vector<const Entries::value_type*> order;
    for (const auto& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return std::make_pair(a->second.begin, a->second.end) < std::make_pair(b->second.begin, b->second.end);
    });
    size_t covered = 0;
    for (const auto* entry : order) {
        if (entry->second.begin != covered) {
            fail(Failure::BadFile, where + ", tensor " + inQuotes(entry->first) + ": begins at byte " +
                                       std::to_string(entry->second.begin) + " of the data, expected " +
                                       std::to_string(covered) + ": tensors must neither overlap nor leave holes");
        }
        covered = entry->second.end;
    }
    if (covered != dataBytes) {
        fail(Failure::BadFile, where + ": its tensors end at byte " + std::to_string(covered) + " of the data, which " +
                                   "has " + std::to_string(dataBytes));
    }
}

std::map<std::string, std::string> parseMetadata(const json& object, const std::string& where) {
    const std::string place = where + ", " + kMetadata;
    requireObject(object, place);
    std::map<std::string, std::string> metadata;
    for (const auto& item : object.items()) {
        if (!item.value().is_string()) {
            fail(Failure::BadFile, place + ": the value of " + inQuotes(item.key()) + " must be a string, is " +
                                       kindOf(item.value()));
        }
        metadata[item.key()] = item.value().get<std::string>();
    }
    return metadata;
}

// The digits are zeroed in our private copy of the bytes: that is what the hash was taken of.
void verifyChecksum(const FileBytes& file, const std::string& header, const std::string& expected,
                    const std::string& where) {
    const size_t at = findChecksum(header);
    if (at == std::string::npos || header.compare(at, kDigits, expected) != 0) {
        fail(Failure::BadFile, where + ": its checksum " + inQuotes(expected) + " must be 16 hexadecimal digits, once");
    }
    std::fill_n(file.data() + kLengthBytes + at, kDigits, uint8_t('0'));
    const std::string actual = digitsOf(contentHash(file.data(), file.size()));
    if (actual != expected) {
        fail(Failure::BadFile, where + ": is damaged: its checksum is " + inQuotes(expected) + ", its bytes give \"" +
                                   actual + "\"");
    }
}

}  // namespace

struct ModelFile::Contents {
    std::string origin;
    std::unique_ptr<const FileBytes> bytes;
    size_t dataOffset = 0;
    std::map<std::string, std::string> metadata;
    std::map<std::string, Entry> entries;

    std::string where() const { return "model file " + quotedPath(origin); }
    static std::shared_ptr<const Contents> check(std::unique_ptr<const FileBytes> bytes, const std::string& origin);
};

std::shared_ptr<const ModelFile::Contents> ModelFile::Contents::check(std::unique_ptr<const FileBytes> bytes,
                                                                      const std::string& origin) {
    auto contents = std::make_shared<Contents>();
    contents->origin = origin;
    contents->bytes = std::move(bytes);
    const std::string where = contents->where();
    const std::string header = readHeader(*contents->bytes, where);
    contents->dataOffset = kLengthBytes + header.size();
    const size_t dataBytes = contents->bytes->size() - contents->dataOffset;
    const json root = readStrictJson(header, kMaxNesting, where + ", header");
    for (const auto& item : root.items()) {
        if (item.key() == kMetadata) {
            contents->metadata = parseMetadata(item.value(), where);
        } else {
            const std::string place = where + ", tensor " + inQuotes(item.key());
            contents->entries[item.key()] = parseEntry(item.value(), dataBytes, place);
        }
    }
    requireTiling(contents->entries, dataBytes, where);
    const auto checksum = contents->metadata.find(kChecksum);
    if (checksum != contents->metadata.end()) verifyChecksum(*contents->bytes, header, checksum->second, where);
    return contents;
}

ModelFile ModelFile::open(const std::string& path) {
    ModelFile file;
    file.contents_ = Contents::check(mapFile(path, "model file " + quotedPath(path)), path);
    return file;
}

ModelFile ModelFile::parse(std::vector<uint8_t> bytes, const std::string& origin) {
    ModelFile file;
    file.contents_ = Contents::check(std::make_unique<const FileBytes>(std::move(bytes)), origin);
    return file;
}

const std::string& ModelFile::origin() const {
    return contents_->origin;
}

const std::map<std::string, std::string>& ModelFile::metadata() const {
    return contents_->metadata;
}

const std::map<std::string, ModelFile::Entry>& ModelFile::entries() const {
    return contents_->entries;
}

const std::string& ModelFile::metadata(const std::string& key) const {
    const auto found = contents_->metadata.find(key);
    if (found == contents_->metadata.end()) {
        fail(Failure::BadFile, contents_->where() + ": its metadata has no " + inQuotes(key));
    }
    return found->second;
}

const uint8_t* ModelFile::find(const std::string& name, const std::vector<int64_t>& shape, const Entry*& entry) const {
    const auto found = contents_->entries.find(name);
    const std::string where = contents_->where() + ", tensor " + inQuotes(name);
    if (found == contents_->entries.end()) fail(Failure::BadFile, where + ": is missing");
    entry = &found->second;
    if (entry->shape != shape) {
        fail(Failure::BadFile, where + ": has shape " + text(entry->shape) + ", expected " + text(shape));
    }
    return contents_->bytes->data() + contents_->dataOffset + entry->begin;
}

const uint8_t* ModelFile::bytes(const std::string& name, const std::vector<int64_t>& shape) const {
    const Entry* entry = nullptr;
    const uint8_t* bytes = find(name, shape, entry);
    if (entry->type == StorageType::U8) return bytes;
    fail(Failure::BadFile,
         contents_->where() + ", tensor " + inQuotes(name) + ": is " + typeName(entry->type) + ", expected U8");
}

Tensor ModelFile::read(const std::string& name, const std::vector<int64_t>& shape) const {
    const Entry* entry = nullptr;
    const uint8_t* bytes = find(name, shape, entry);
    const std::string where = contents_->where() + ", tensor " + inQuotes(name);
    if (entry->type == StorageType::U8) fail(Failure::BadFile, where + ": is U8, expected F16 or F32");
    Tensor tensor;
    tensor.shape = shape;
    tensor.values.resize((entry->end - entry->begin) / itemSize(entry->type));
    if (tensor.values.empty()) return tensor;
    if (entry->type == StorageType::F16) {
        halvesToFloats(bytes, tensor.values.size(), tensor.values.data());
    } else {
        std::memcpy(tensor.values.data(), bytes, entry->end - entry->begin);
    }
    const auto begin = tensor.values.begin(), end = tensor.values.end();
    const auto bad = std::find_if_not(begin, end, [](float value) { return std::isfinite(value); });
    if (bad != end) {
        fail(Failure::BadFile, where + ": value " + std::to_string(bad - begin) + " is NaN or infinite");
    }
    return tensor;
}

namespace {

template <typename AnyTensor>
std::string makeHeader(std::map<std::string, std::string> metadata, const std::map<std::string, AnyTensor>& tensors,
                       StorageType type, const std::string& where) {
    metadata[kChecksum] = std::string(kDigits, '0');
    nlohmann::ordered_json root;
    root[kMetadata] = metadata;
    uint64_t offset = 0;
    for (const auto& item : tensors) {
        const std::string place = where + ", tensor " + inQuotes(item.first);
        uint64_t count = 0;
        if (item.first == kMetadata) fail(Failure::BadArgument, place + ": this name is the metadata's");
        if (!countElements(item.second.shape, count) || count != item.second.values.size()) {
            fail(Failure::BadArgument, place + ": has " + std::to_string(item.second.values.size()) +
                                           " values, which its shape " + text(item.second.shape) + " does not hold");
        }
        const uint64_t end = offset + count * itemSize(type);
        root[item.first] = {{"dtype", typeName(type)}, {"shape", item.second.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string header;
    try {
        header = root.dump();
    } catch (const nlohmann::json::exception&) {  // the only reason a complete value cannot be dumped
        fail(Failure::BadArgument, where + ": a tensor name or a metadata string is not UTF-8");
    }
    header.resize((header.size() + 7) / 8 * 8, ' ');  // tensors begin at a multiple of 8 bytes
    if (header.size() > kMaxHeaderBytes || kLengthBytes + header.size() + offset > kMaxModelFileBytes) {
        fail(Failure::OutOfRange, where + ": would have a header of " + std::to_string(header.size()) + " bytes and " +
                                      std::to_string(offset) + " bytes of tensors; the limits are " +
                                      std::to_string(kMaxHeaderBytes) + " and " + std::to_string(kMaxModelFileBytes));
    }
    return header;
}

void appendValues(const Tensor& tensor, StorageType type, const std::string& where, std::vector<uint8_t>& bytes) {
    size_t at = bytes.size();
    bytes.resize(at + tensor.values.size() * itemSize(type));
    for (float value : tensor.values) {
        if (!std::isfinite(value)) fail(Failure::BadArgument, where + ": holds NaN or an infinity");
        if (type == StorageType::F16) {
            const uint16_t half = floatToHalf(value);
            if ((half & 0x7fffu) == 0x7c00u) {
                fail(Failure::OutOfRange, where + ": holds " + std::to_string(value) + ", too large for F16");
            }
            std::memcpy(bytes.data() + at, &half, sizeof half);
        } else {
            std::memcpy(bytes.data() + at, &value, sizeof value);
        }
        at += itemSize(type);
    }
}

void appendValues(const ByteTensor& tensor, StorageType, const std::string&, std::vector<uint8_t>& bytes) {
    bytes.insert(bytes.end(), tensor.values.begin(), tensor.values.end());
}

template <typename AnyTensor>
std::vector<uint8_t> fileBytes(const std::string& where, const std::map<std::string, std::string>& metadata,
                               const std::map<std::string, AnyTensor>& tensors, StorageType type) {
    const std::string header = makeHeader(metadata, tensors, type, where);
    size_t total = kLengthBytes + header.size();
    for (const auto& item : tensors) total += item.second.values.size() * itemSize(type);
    std::vector<uint8_t> bytes;
    bytes.reserve(total);
    for (size_t i = 0; i < kLengthBytes; ++i) bytes.push_back(uint8_t((uint64_t(header.size()) >> (8 * i)) & 255u));
    bytes.insert(bytes.end(), header.begin(), header.end());
    for (const auto& item : tensors) appendValues(item.second, type, where + ", tensor " + inQuotes(item.first), bytes);
    const size_t at = findChecksum(header);
    if (at == std::string::npos) fail(Failure::BadArgument, where + ": a metadata key ends in \"checksum\"");
    const std::string digits = digitsOf(contentHash(bytes.data(), bytes.size()));
    std::copy(digits.begin(), digits.end(), bytes.begin() + std::ptrdiff_t(kLengthBytes + at));
    return bytes;
}

}  // namespace

std::vector<uint8_t> modelFileBytes(const std::string& where, const std::map<std::string, std::string>& metadata,
                                    const std::map<std::string, Tensor>& tensors, StorageType type) {
    if (type == StorageType::U8) fail(Failure::BadArgument, where + ": floats cannot be stored as U8");
    return fileBytes(where, metadata, tensors, type);
}

void writeModelFile(const std::string& path, const std::map<std::string, std::string>& metadata,
                    const std::map<std::string, Tensor>& tensors, StorageType type) {
    writeAtomically(path, allOf(modelFileBytes("model file " + quotedPath(path), metadata, tensors, type)));
}

void writeByteFile(const std::string& path, const std::map<std::string, std::string>& metadata,
                   const std::map<std::string, ByteTensor>& tensors) {
    writeAtomically(path, allOf(fileBytes("model file " + quotedPath(path), metadata, tensors, StorageType::U8)));
}

}  // namespace hyperpred
}  // namespace cv
