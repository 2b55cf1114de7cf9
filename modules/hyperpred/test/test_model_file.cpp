// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE model_file
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "model_file.hpp"
#include "sentence.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

namespace {

Bytes bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

void put(const std::string& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), long(bytes.size()));
}

// A file as a foreign writer makes it: the header as given, without checksum.
Bytes assemble(const std::string& header, size_t dataBytes, uint64_t claimed = UINT64_MAX) {
    const uint64_t length = claimed == UINT64_MAX ? header.size() : claimed;
    Bytes bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(uint8_t(length >> (8 * i)));
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.resize(bytes.size() + dataBytes, 0);
    return bytes;
}

std::string tensor(const std::string& name, const std::string& type, const std::string& shape,
                   const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

std::string errorOf(const Bytes& bytes) {
    return sentenceOf([&] { ModelFile::parse(bytes, "t.safetensors"); });
}

void contains(const std::string& text, const std::string& part) {
    BOOST_TEST(text.find(part) != std::string::npos, "expected '" << part << "' in: " << text);
}

void refused(const std::string& header, size_t dataBytes, const std::string& part) {
    const std::string error = errorOf(assemble(header, dataBytes));
    contains(error, "model file \"t.safetensors\"");
    contains(error, part);
}

std::map<std::string, Tensor> smallTensors() {
    return {{"a", {{2, 3}, {1.f, -2.f, 0.5f, 0.f, -0.25f, 1024.f}}},
            {"b.bias", {{1}, {3.f}}},
            {"empty", {{0, 4}, {}}},
            {"scalar", {{}, {-7.f}}}};
}

// What a reader of the file can see.
struct Seen {
    std::map<std::string, std::string> metadata;
    std::map<std::string, std::vector<float>> values;
    std::map<std::string, std::vector<int64_t>> shapes;
};

Seen look(const ModelFile& file) {
    Seen seen;
    seen.metadata = file.metadata();
    for (const auto& entry : file.entries()) {
        seen.shapes[entry.first] = entry.second.shape;
        seen.values[entry.first] = file.read(entry.first, entry.second.shape).values;
    }
    return seen;
}

bool sameTensors(const Seen& a, const Seen& b) {
    return a.values == b.values && a.shapes == b.shapes;
}

Bytes smallFile(StorageType type) {
    const TemporaryFolder folder;
    writeModelFile(folder.file("small"), {{"format", "x"}}, smallTensors(), type);
    return bytesOf(folder.file("small"));
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
    const TemporaryFolder folder;
    for (const StorageType type : {StorageType::F16, StorageType::F32}) {
        const std::string path = folder.file("m.safetensors");
        writeModelFile(path, {{"format", "x"}, {"note", "quote \" and \xc3\xa9\n"}}, smallTensors(), type);
        const ModelFile file = ModelFile::open(path);
        BOOST_TEST(file.origin() == path);
        BOOST_TEST(file.metadata("note") == "quote \" and \xc3\xa9\n");
        BOOST_TEST(file.metadata("checksum").size() == 16u);
        BOOST_TEST(file.entries().size() == 4u);
        for (const auto& expected : smallTensors()) {
            const Tensor tensor = file.read(expected.first, expected.second.shape);
            BOOST_TEST(tensor.values == expected.second.values, boost::test_tools::per_element());
            BOOST_TEST((tensor.shape == expected.second.shape));
        }
        contains(sentenceOf([&] { file.metadata("absent"); }), "\"absent\"");
        contains(sentenceOf([&] { file.read("none", {1}); }), "tensor \"none\": is missing");
        const std::string wrong = sentenceOf([&] { file.read("a", {3, 2}); });
        contains(wrong, "2 x 3");
        contains(wrong, "3 x 2");
    }
}

BOOST_AUTO_TEST_CASE(the_file_has_the_layout_of_safetensors) {
    for (const StorageType type : {StorageType::F16, StorageType::F32}) {
        const Bytes bytes = smallFile(type);
        const size_t length = bytes[0] + 256u * bytes[1];
        BOOST_TEST(length % 8 == 0u);
        BOOST_TEST(bytes[8] == uint8_t('{'));
        BOOST_TEST(bytes.size() == 8 + length + 8 * (type == StorageType::F16 ? 2 : 4));
        float first = 0;
        std::memcpy(&first, bytes.data() + 8 + length, 4);
        if (type == StorageType::F32) BOOST_TEST(first == 1.f);
    }
    BOOST_TEST((smallFile(StorageType::F16) == smallFile(StorageType::F16)));  // the same bytes each time
}

BOOST_AUTO_TEST_CASE(a_copy_outlives_its_file) {
    const TemporaryFolder folder;
    writeModelFile(folder.file("m"), {}, smallTensors(), StorageType::F32);
    const ModelFile file = ModelFile::open(folder.file("m"));
    const ModelFile copy = file;
    fs::remove(folder.file("m"));
    BOOST_TEST(copy.read("scalar", {}).values[0] == -7.f);
}

// The checksum covers all bytes: any one flipped bit is refused, or changes nothing that can be seen (the flip of a
// bit in the key "checksum" itself makes a file without checksum, whose tensors are still the true ones).
BOOST_AUTO_TEST_CASE(every_bit_flip_of_a_file_with_checksum_is_refused_or_harmless) {
    const Bytes bytes = smallFile(StorageType::F16);
    BOOST_TEST(bytes.size() <= 600u);
    const Seen original = look(ModelFile::parse(bytes, "original"));
    const std::string text(bytes.begin(), bytes.end());
    const size_t key = text.find("\"checksum\"");
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] = uint8_t(damaged[bit / 8] ^ (1u << (bit % 8)));
        Seen seen;
        if (!sentenceOf([&] { seen = look(ModelFile::parse(damaged, "damaged")); }).empty()) continue;
        BOOST_REQUIRE_MESSAGE(sameTensors(seen, original), "bit " << bit << " changed a tensor in silence");
        BOOST_REQUIRE_MESSAGE(bit / 8 > key && bit / 8 < key + 9, "bit " << bit << " was accepted");
        BOOST_REQUIRE_EQUAL(seen.metadata.count("checksum"), 0u);
        BOOST_REQUIRE_EQUAL(seen.metadata.at("format"), "x");
    }
}

BOOST_AUTO_TEST_CASE(every_bit_flip_of_a_foreign_file_is_an_error_or_a_load) {
    const std::string header = "{\"__metadata__\":{\"k\":\"v\"}," + tensor("a", "F16", "[3]", "[0,6]") + "," +
                               tensor("b", "F32", "[1,2]", "[6,14]") + "}";
    const Bytes bytes = assemble(header, 14);
    BOOST_REQUIRE_EQUAL(errorOf(bytes), "");
    size_t loaded = 0;
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] = uint8_t(damaged[bit / 8] ^ (1u << (bit % 8)));
        loaded += sentenceOf([&] { look(ModelFile::parse(damaged, "damaged")); }).empty();
    }
    BOOST_TEST(loaded > 14u * 4u);          // most flips of tensor bits are other finite numbers
    BOOST_TEST(loaded < 2 * bytes.size());  // most flips of the header are errors
}

BOOST_AUTO_TEST_CASE(every_truncation_and_extension_is_refused) {
    for (const StorageType type : {StorageType::F16, StorageType::F32}) {
        const Bytes bytes = smallFile(type);
        for (size_t size = 0; size < bytes.size(); ++size) {
            BOOST_REQUIRE_NE(errorOf(Bytes(bytes.begin(), bytes.begin() + long(size))), "");
        }
        Bytes longer = bytes;
        longer.push_back(0);
        contains(errorOf(longer), "of the data");
    }
    const Bytes foreign = assemble("{" + tensor("a", "F32", "[2]", "[0,8]") + "}", 8);
    for (size_t size = 0; size < foreign.size(); ++size) {
        BOOST_REQUIRE_NE(errorOf(Bytes(foreign.begin(), foreign.begin() + long(size))), "");
    }
}

BOOST_AUTO_TEST_CASE(wrong_checksums_are_refused) {
    const std::string a = tensor("a", "F32", "[1]", "[0,4]");
    refused("{\"__metadata__\":{\"checksum\":\"0123456789abcdef\"}," + a + "}", 4, "is damaged");
    for (const char* value : {"", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg"}) {
        BOOST_TEST(errorOf(assemble("{\"__metadata__\":{\"checksum\":\"" + std::string(value) + "\"}," + a + "}", 4)) !=
                   "");
    }
    refused("{\"__metadata__\":{\"check\\u0073um\":\"0123456789abcdef\"}," + a + "}", 4, "checksum");
}

BOOST_AUTO_TEST_CASE(header_lengths_are_bounded) {
    for (const uint64_t claimed : {uint64_t(3), uint64_t(1) << 24, (uint64_t(1) << 24) + 1, uint64_t(INT64_MAX),
                                   UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX - 1}) {
        contains(errorOf(assemble("{}", 0, claimed)), "header claims " + std::to_string(claimed));
    }
    Bytes large = assemble("{}" + std::string((1 << 24) - 1, ' '), 0);
    contains(errorOf(large), "at most 16777216");
    BOOST_TEST(errorOf(assemble("{}" + std::string((1 << 24) - 2, ' '), 0)) == "");
    contains(errorOf(Bytes()), "has 0 bytes");
    contains(errorOf(Bytes(7, 0)), "has 7 bytes");
    contains(errorOf(Bytes(8, 0)), "does not begin with '{'");
    refused(" {}", 0, "does not begin with '{'");
}

BOOST_AUTO_TEST_CASE(headers_are_strict_json) {
    refused("{", 0, "line 1");
    refused("{\n\"a\":\n}", 0, "line 3");
    refused("{}{}", 0, "not valid JSON");
    refused("{\"a\":[[[[]]]]}", 0, "nested deeper than 3");
    refused("{\"a\":1}", 0, "must be an object");
    const std::string a = tensor("a", "F32", "[1]", "[0,4]");
    refused("{" + a + "," + a + "}", 4, "\"a\" stands twice");
    refused("{" + tensor("a", "F32", "[1],\"shape\":[1]", "[0,4]") + "}", 4, "\"shape\" stands twice");
    refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "\"k\" stands twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "stands twice");
    refused("{\"__metadata__\":{\"k\":1}}", 0, "must be a string");
    refused("{\"__metadata__\":[]}", 0, "must be an object");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "\"data_offsets\" is missing");
    refused("{" + tensor("a", "F32", "[1],\"x\":0", "[0,4]") + "}", 4, "unknown key \"x\"");
    refused("{\"a\xff\":{}}", 0, "not valid JSON");
}

BOOST_AUTO_TEST_CASE(types_shapes_and_offsets_are_checked) {
    for (const char* type : {"F64", "BF16", "I8", "f32", ""}) {
        refused("{" + tensor("a", type, "[1]", "[0,4]") + "}", 4, "dtype is \"" + std::string(type) + "\"");
    }
    refused("{" + tensor("a", "F32", "[2]", "[0,4]") + "}", 4, "tensor \"a\": its offsets 0..4 do not span the 8");
    refused("{" + tensor("a", "F16", "[1]", "[0,4]") + "}", 4, "do not span");
    refused("{" + tensor("a", "F32", "[1]", "[4,0]") + "}", 4, "do not span");
    refused("{" + tensor("a", "F32", "[1]", "[0,5]") + "}", 4, "0..4");
    refused("{" + tensor("a", "F32", "[1]", "[0]") + "}", 4, "must be two");
    refused("{" + tensor("a", "F32", "[1]", "[0,4,8]") + "}", 4, "must be two");
    for (const char* bad : {"[-1]", "[1.0]", "[\"1\"]", "[null]", "[9223372036854775808]", "[1e3]"}) {
        refused("{" + tensor("a", "F32", bad, "[0,4]") + "}", 4, "\"shape\"");
    }
    refused("{" + tensor("a", "F32", "1", "[0,4]") + "}", 4, "must be an array");
    refused("{" + tensor("a", "F32", "[1]", "[-4,0]") + "}", 4, "\"data_offsets\"");
}

BOOST_AUTO_TEST_CASE(shape_products_do_not_overflow) {
    // Products that are 0 or 1 modulo 2^64, and one that only the item size takes over the edge.
    for (const char* shape : {"[4294967296,4294967296]", "[9223372036854775807,2,2]", "[4611686018427387904]",
                              "[4294967296,4294967296,0]", "[6700417,641,18446744069414584321]"}) {
        BOOST_TEST(errorOf(assemble("{" + tensor("a", "F32", shape, "[0,0]") + "}", 0)) != "");
        BOOST_TEST(errorOf(assemble("{" + tensor("a", "F32", shape, "[0,4]") + "}", 4)) != "");
    }
}

BOOST_AUTO_TEST_CASE(tensors_tile_the_data) {
    const std::string a = tensor("a", "F32", "[1]", "[0,4]");
    BOOST_TEST(errorOf(assemble("{" + a + "," + tensor("b", "F32", "[1]", "[4,8]") + "}", 8)) == "");
    BOOST_TEST(errorOf(assemble("{" + tensor("b", "F32", "[1]", "[4,8]") + "," + a + "}", 8)) == "");
    refused("{" + a + "," + tensor("b", "F32", "[1]", "[8,12]") + "}", 12, "holes");
    refused("{" + a + "," + tensor("b", "F32", "[1]", "[2,6]") + "}", 6, "overlap");
    refused("{" + a + "," + tensor("b", "F32", "[1]", "[0,4]") + "}", 4, "overlap");
    refused("{" + tensor("b", "F32", "[1]", "[4,8]") + "}", 8, "holes");
    refused("{" + a + "}", 5, "end at byte 4");
    refused("{}", 1, "end at byte 0");
    refused("{" + a + "," + tensor("b", "F32", "[0]", "[2,2]") + "}", 4, "tensor \"b\"");
    BOOST_TEST(errorOf(assemble("{}", 0)) == "");
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_are_refused_when_read) {
    const std::string header =
        "{" + tensor("a", "F32", "[3]", "[0,12]") + "," + tensor("b", "F16", "[9]", "[12,30]") + "}";
    const float values[] = {std::nanf(""), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()};
    for (const float value : values) {
        Bytes bytes = assemble(header, 30);
        std::memcpy(bytes.data() + bytes.size() - 30 + 8, &value, 4);
        const ModelFile file = ModelFile::parse(bytes, "t");
        contains(sentenceOf([&] { file.read("a", {3}); }), "tensor \"a\": value 2 is NaN or infinite");
        BOOST_TEST(file.read("b", {9}).values.size() == 9u);
    }
    for (const int high : {0x7c, 0xfc, 0x7e}) {
        Bytes bytes = assemble(header, 30);
        bytes[bytes.size() - 1] = uint8_t(high);
        const ModelFile file = ModelFile::parse(bytes, "t");
        contains(sentenceOf([&] { file.read("b", {9}); }), "value 8 is NaN or infinite");
    }
}

BOOST_AUTO_TEST_CASE(the_writer_refuses_what_the_reader_would) {
    const TemporaryFolder folder;
    const std::string path = folder.file("m");
    const auto writing = [&](const std::map<std::string, Tensor>& tensors, StorageType type) {
        return sentenceOf([&] { writeModelFile(path, {}, tensors, type); });
    };
    contains(writing({{"a", {{2}, {1.f}}}}, StorageType::F32), "tensor \"a\"");
    contains(writing({{"a", {{-1}, {}}}}, StorageType::F32), "tensor \"a\"");
    contains(writing({{"a", {{1}, {std::nanf("")}}}}, StorageType::F32), "NaN");
    contains(writing({{"a", {{1}, {65520.f}}}}, StorageType::F16), "too large for F16");
    BOOST_TEST(writing({{"a", {{1}, {65519.f}}}}, StorageType::F16) == "");
    fs::remove(path);
    contains(writing({{"__metadata__", {{1}, {1.f}}}}, StorageType::F32), "__metadata__");
    contains(sentenceOf([&] { writeModelFile(path, {{"k", "\xff"}}, {}, StorageType::F32); }), "not UTF-8");
    contains(sentenceOf([&] { writeModelFile(folder.file("no/m"), {}, {}, StorageType::F32); }), "No such file");
    BOOST_TEST(fs::is_empty(folder.path));
    writeModelFile(path, {{"checksum", "of another file"}}, {}, StorageType::F32);  // replaced by the true one
    BOOST_CHECK_NO_THROW(ModelFile::open(path));
}

BOOST_AUTO_TEST_CASE(paths_that_are_no_files_are_refused) {
    const TemporaryFolder folder;
    contains(sentenceOf([&] { ModelFile::open(folder.file("none")); }), "No such file");
    contains(sentenceOf([&] { ModelFile::open(folder.path.string()); }), "not a regular file");
    contains(sentenceOf([] { ModelFile::open("/dev/zero"); }), "not a regular file");
    BOOST_REQUIRE_EQUAL(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
    contains(sentenceOf([&] { ModelFile::open(folder.file("pipe")); }), "not a regular file");
    put(folder.file("empty"), {});
    contains(sentenceOf([&] { ModelFile::open(folder.file("empty")); }), "has 0 bytes");
    put(folder.file("text"), Bytes(5000, 'x'));
    contains(sentenceOf([&] { ModelFile::open(folder.file("text")); }), "header claims");
}

BOOST_AUTO_TEST_CASE(files_above_4_gib_are_refused) {
    const TemporaryFolder folder;
    put(folder.file("large"), assemble("{}", 0));
    fs::resize_file(folder.file("large"), (uint64_t(1) << 32) + 1);  // sparse: takes no space
    contains(sentenceOf([&] { ModelFile::open(folder.file("large")); }), "limit is 4294967296");
}

BOOST_AUTO_TEST_CASE(bytes_are_bytes_and_no_numbers) {
    const TemporaryFolder folder;
    const std::map<std::string, ByteTensor> tensors = {{"empty", {{0, 3}, {}}},
                                                       {"pixels", {{2, 3}, {0, 1, 127, 128, 254, 255}}}};
    writeByteFile(folder.file("x"), {{"format", "x"}}, tensors);
    const ModelFile file = ModelFile::open(folder.file("x"));
    BOOST_TEST((file.entries().at("pixels").type == StorageType::U8));
    const uint8_t* pixels = file.bytes("pixels", {2, 3});
    BOOST_TEST(std::equal(pixels, pixels + 6, tensors.at("pixels").values.begin()));
    contains(sentenceOf([&] { file.read("pixels", {2, 3}); }), "is U8, expected F16 or F32");
    contains(sentenceOf([&] { file.bytes("pixels", {3, 2}); }), "has shape 2 x 3, expected 3 x 2");
    contains(sentenceOf([&] { file.bytes("none", {1}); }), "is missing");
    const ModelFile floats = ModelFile::parse(smallFile(StorageType::F16), "t.safetensors");
    contains(sentenceOf([&] { floats.bytes("b.bias", {1}); }), "is F16, expected U8");
    contains(sentenceOf([&] { writeModelFile(folder.file("y"), {}, smallTensors(), StorageType::U8); }),
             "cannot be stored");
    Bytes damaged = bytesOf(folder.file("x"));
    damaged.back() ^= 1;
    contains(errorOf(damaged), "is damaged");
}
