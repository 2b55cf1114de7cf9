// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE support_features
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <functional>

#include "model_file.hpp"
#include "refusals.hpp"
#include "support_features.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using test::holds;
using test::refusalOf;
using test::TemporaryFolder;

namespace {

void put(const std::string& path, const std::vector<uint8_t>& bytes) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), long(bytes.size()));
}

SupportFeatures small() {
    SupportFeatures support;
    support.classNames = {"hex nut",
                          "Stra\xc3\x9f"
                          "e",
                          "a \"b\""};
    support.listed = 2;
    support.head = HeadKind::Lda;
    support.rejected = 0.03;
    support.network = "0123456789abcdef";
    support.body = 0xfedcba9876543210u;
    support.columns = 3;
    support.labels = {0, 0, 1, 2, 2};
    support.hashes = {0, ~uint64_t(0), 0x0001000200030004u, 0xffff0000ffff0000u, 7};
    for (int i = 0; i < 15; ++i) support.rows.push_back(float(i) / 7 - 1);
    return support;
}

bool same(const SupportFeatures& a, const SupportFeatures& b) {
    return a.classNames == b.classNames && a.listed == b.listed && a.head == b.head && a.rejected == b.rejected &&
           a.network == b.network && a.body == b.body && a.columns == b.columns && a.labels == b.labels &&
           a.hashes == b.hashes && a.rows == b.rows;
}

// The parts of a right file, to be made wrong one by one.
struct Parts {
    std::map<std::string, std::string> metadata = {{"format", "hyperpred-support-1"},
                                                   {"classes", R"(["a","b"])"},
                                                   {"listed", "2"},
                                                   {"head", "ridge"},
                                                   {"rejected", "0.01"},
                                                   {"network", "0123456789abcdef"},
                                                   {"body", "0123456789abcdef"},
                                                   {"images", "2"},
                                                   {"columns", "3"}};
    std::map<std::string, Tensor> tensors = {{"labels", {{2}, {0, 1}}},
                                             {"hashes", {{2, 4}, {1, 2, 3, 4, 5, 6, 7, 65535}}},
                                             {"features", {{2, 3}, {0, 1, 2, 3, 4, 5}}}};
};

std::string refusal(const std::function<void(Parts&)>& change) {
    const TemporaryFolder folder;
    Parts parts;
    change(parts);
    writeModelFile(folder.file("x.support"), parts.metadata, parts.tensors, StorageType::F32);
    const std::string sentence = refusalOf([&] { readSupportFeatures(folder.file("x.support")); });
    BOOST_TEST((sentence.empty() || sentence.find('\n') == std::string::npos));
    return sentence;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    const TemporaryFolder folder;
    put(folder.file("x.support"), supportFileBytes("x.support", small()));
    BOOST_TEST(same(readSupportFeatures(folder.file("x.support")), small()));
    BOOST_TEST(refusal([](Parts&) {}) == "");
}

BOOST_AUTO_TEST_CASE(every_truncation_and_bit_flip_is_refused_or_harmless) {
    const TemporaryFolder folder;
    const std::vector<uint8_t> bytes = supportFileBytes("x.support", small());
    const std::string path = folder.file("x.support");
    for (size_t length = 0; length < bytes.size(); ++length) {
        put(path, std::vector<uint8_t>(bytes.begin(), bytes.begin() + long(length)));
        BOOST_TEST(refusalOf([&] { readSupportFeatures(path); }) != "");
    }
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::vector<uint8_t> flipped = bytes;
        flipped[bit / 8] ^= uint8_t(1u << bit % 8);
        put(path, flipped);
        bool harmless = false;
        const std::string sentence = refusalOf([&] { harmless = same(readSupportFeatures(path), small()); });
        BOOST_TEST((harmless || !sentence.empty()), "bit " << bit << " changes what is read");
    }
}

BOOST_AUTO_TEST_CASE(malformed_parts_are_named) {
    const auto with = [](const char* key, const std::string& value) {
        return refusal([&](Parts& parts) { parts.metadata[key] = value; });
    };
    BOOST_TEST(holds(with("format", "hyperpred-1"), "is no support file"));
    BOOST_TEST(holds(with("classes", R"(["a","a"])"), "two classes are called \"a\""));
    BOOST_TEST(holds(with("classes", R"(["a",""])"), "empty name"));
    BOOST_TEST(holds(with("classes", R"(["a"])"), "\"classes\""));
    BOOST_TEST(holds(with("classes", R"(["a",3])"), "\"classes\""));
    BOOST_TEST(holds(with("classes", R"(["a","b","c"])"), "class \"c\" has no image"));
    BOOST_TEST(holds(with("listed", "3"), "\"listed\" is 3, must be 0..2"));
    BOOST_TEST(holds(with("head", "svm"), "svm"));
    BOOST_TEST(holds(with("rejected", "0.7"), "must be 0..0.5"));
    for (const std::string& sentence : {with("classes", R"(["a","a"])"), with("classes", R"(["a",""])"),
                                        with("head", std::string(5000, 'x')),
                                        with("rejected", '"' + std::string(5000, 'x') + '"')}) {
        BOOST_TEST(holds(sentence, "support file \""), sentence);
        BOOST_TEST(sentence.size() < 500);
    }
    BOOST_TEST(holds(with("network", "0123456789ABCDEF"), "16 hexadecimal digits"));
    BOOST_TEST(holds(with("body", "1"), "16 hexadecimal digits"));
    BOOST_TEST(holds(with("images", "0"), "\"images\" is 0"));
    BOOST_TEST(holds(with("images", "3"), "shape"));
    BOOST_TEST(holds(with("columns", "x"), "\"columns\", line 1: not valid JSON"));
    const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
    for (const char* key : {"classes", "listed", "rejected"}) {
        BOOST_TEST(holds(with(key, deep), "nested deeper than 1"));
    }
    BOOST_TEST(holds(refusal([](Parts& parts) { parts.metadata.erase("head"); }), "\"head\""));
    BOOST_TEST(holds(refusal([](Parts& parts) { parts.tensors.erase("labels"); }), "\"labels\": is missing"));
    BOOST_TEST(holds(refusal([](Parts& parts) { parts.tensors["labels"].values[1] = 2; }), "a label is 2"));
    BOOST_TEST(holds(refusal([](Parts& parts) { parts.tensors["labels"].values[1] = 0.5f; }), "a label is 0.5"));
    BOOST_TEST(holds(refusal([](Parts& parts) { parts.tensors["hashes"].values[7] = 65536; }), "part of a hash"));
    BOOST_TEST(holds(refusalOf([] { readSupportFeatures("/nonexistent.support"); }), "/nonexistent.support"));
}

BOOST_AUTO_TEST_CASE(it_lies_beside_the_network) {
    BOOST_TEST(supportFileOf("out/net.onnx") == "out/net.support");
    BOOST_TEST(supportFileOf("net") == "net.support");
    BOOST_TEST(supportFileOf(".onnx") == ".onnx.support");
    BOOST_TEST(readableName("a\xff") == "a\xef\xbf\xbd");
    BOOST_TEST(readableName("Stra\xc3\x9f"
                            "e") ==
               "Stra\xc3\x9f"
               "e");
}

BOOST_AUTO_TEST_CASE(a_file_that_would_be_too_long_is_refused_before_the_work) {
    BOOST_TEST(refusalOf([] { checkSupportSize(1000000, 896); }) == "");  // 3,604 bytes an image
    BOOST_TEST(holds(refusalOf([] { checkSupportSize(1200000, 896); }), "4324800000 bytes"));
}
