// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE info
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command.hpp"
#include "hash.hpp"
#include "image_files.hpp"
#include "onnx_fields.hpp"
#include "protobuf_writer.hpp"
#include "sentence.hpp"

using namespace cv::hyperpred;
using test::holds;

namespace {

// A file of ours as far as its frame goes: a producer, an empty graph, these metadata and a right checksum.
std::string networkFile(const ImageFolder& folder, const std::map<std::string, std::string>& metadata) {
    using namespace onnx_fields;
    const std::string zeros(16, '0');
    std::vector<uint8_t> bytes = writeProtobuf([&](ProtobufWriter& out) {
        const auto entry = [&](const std::string& key, const std::string& value) {
            out.begin(model::metadata);
            out.text(entry::key, key);
            out.text(entry::value, value);
            out.end();
        };
        out.integer(model::ir_version, 7);
        out.text(model::producer_name, "hyperpred");
        out.raw(model::graph, nullptr, 0);
        for (const auto& item : metadata) entry(item.first, item.second);
        entry("hyperpred.checksum", zeros);
    });
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx",
                  static_cast<unsigned long long>(contentHash(bytes.data(), bytes.size())));
    std::copy(digits, digits + 16, bytes.end() - 16);
    return folder.write("net.onnx", bytes);
}

// What `hyperpred info` prints; it must not throw.
std::string told(const std::string& path, const std::vector<std::string>& options = {}) {
    std::ostringstream out;
    std::streambuf* const screen = std::cout.rdbuf(out.rdbuf());
    std::vector<std::string> arguments = {path};
    arguments.insert(arguments.end(), options.begin(), options.end());
    int status = -1;
    try {
        status = runInfo(arguments);
    } catch (const std::exception& error) {
        out << "threw " << error.what();
    }
    std::cout.rdbuf(screen);
    BOOST_TEST(status == 0);
    return out.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(metadata_may_be_anything) {
    const ImageFolder folder;
    const std::string deep = std::string(2000000, '[') + std::string(2000000, ']');
    for (const char* key : {"hyperpred.architecture", "hyperpred.report", "other"}) {
        for (const std::string& value : {std::string("{}"), std::string("5"), std::string("{\"name\": 5}"), deep,
                                         std::string("\xFF"), std::string("[\"\xFF\"]"), std::string()}) {
            const std::string path = networkFile(folder, {{key, value}});
            BOOST_TEST(holds(told(path), "kind: \"net\""));
            BOOST_TEST(nlohmann::json::parse(told(path, {"--json"}))["kind"] == "net");
        }
    }
    const std::string path = networkFile(folder, {{"hyperpred.architecture", "{\"name\": \"tiny\"}"}});
    BOOST_TEST(holds(told(path), "architecture: \"tiny\"\n"));
}

BOOST_AUTO_TEST_CASE(metadata_do_not_decide_what_a_file_is) {
    const ImageFolder folder;
    const std::string path = networkFile(folder, {{"kind", "\"model\""}});
    BOOST_TEST(holds(told(path), "metadata.kind: \"model\""));
    BOOST_TEST(nlohmann::json::parse(told(path, {"--json"}))["kind"] == "net");
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_in_a_sentence) {
    const auto refusal = [](const std::string& path) {
        try {
            runInfo({path});
        } catch (const cv::Exception& error) {
            return std::string(error.err);
        }
        return std::string();
    };
    const ImageFolder folder;
    BOOST_TEST(holds(refusal(folder.path.string()), "is a folder; a file is expected"));
    BOOST_TEST(holds(refusal("/dev/zero"), "\"/dev/zero\""));  // no end is waited for
}
