// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE architecture
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "architecture.hpp"
#include "sentence.hpp"

using namespace cv::hyperpred;
using nlohmann::json;

namespace {

const std::string kDocuments = std::string(HYPERPRED_DATA_DIR) + "/architectures/";

json conv(const std::string& name, const std::string& input, int out, int kernel, int stride = 1, int pad = 0) {
    return {{"name", name},     {"op", "conv"},     {"input", input}, {"out", out},
            {"kernel", kernel}, {"stride", stride}, {"pad", pad}};
}

json pool(const std::string& name, const std::string& op, const std::string& input, int kernel, int stride) {
    return {{"name", name}, {"op", op}, {"input", input}, {"kernel", kernel}, {"stride", stride}};
}

json plain(const std::string& name, const std::string& op, const std::string& input) {
    return {{"name", name}, {"op", op}, {"input", input}};
}

json add(const std::string& name, const std::string& first, const std::string& second) {
    return {{"name", name}, {"op", "add"}, {"inputs", {first, second}}};
}

json document(const std::vector<json>& layers, const std::vector<std::string>& stages, int size = 33) {
    return {{"name", "small"},
            {"input", {{"size", size}, {"channels", 3}, {"mean", {1, 2.5, 3}}, {"std", {4, 5.25, 6}}}},
            {"layers", layers},
            {"stages", stages}};
}

// A residual block between two convolutions; every op but the pools.
json residual() {
    return document({conv("a", "image", 5, 3, 2, 1), plain("abn", "batch_norm", "a"), plain("ar", "relu", "abn"),
                     conv("b", "ar", 5, 3, 1, 1), add("sum", "b", "ar"), plain("end", "global_pool", "sum")},
                    {"ar", "end"});
}

Architecture parse(const json& value) {
    return parseArchitecture(value.dump(), "t.json");
}

std::string errorOf(const std::string& text) {
    return test::sentenceOf([&] { parseArchitecture(text, "t.json"); });
}

// Every part must be in the error, which must also name the document.
void refusedText(const std::string& text, const std::vector<std::string>& parts) {
    const std::string error = errorOf(text);
    BOOST_TEST(error.find("architecture \"t.json\"") != std::string::npos, "no origin in: " << error);
    for (const std::string& part : parts) {
        BOOST_TEST(error.find(part) != std::string::npos, "expected '" << part << "' in: " << error);
    }
}

void refused(const json& value, const std::vector<std::string>& parts) {
    refusedText(value.dump(), parts);
}

// The residual document with one place changed.
json changed(const char* pointer, const json& value) {
    json result = residual();
    result[json::json_pointer(pointer)] = value;
    return result;
}

const Node& node(const Architecture& architecture, const std::string& name) {
    for (const Node& candidate : architecture.nodes) {
        if (candidate.name == name) return candidate;
    }
    throw std::runtime_error("no node " + name);
}

std::string shapeOf(const Architecture& architecture, const std::string& name) {
    const Shape shape = node(architecture, name).shape;
    return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" + std::to_string(shape.width);
}

}  // namespace

BOOST_AUTO_TEST_CASE(shipped_documents_have_their_known_sizes) {
    struct Known {
        const char* name;
        int size, layers, features;
        int64_t kernels;  // parameters of the convolutions, as torchvision counts them without the classifier
        double gflop;
    };
    const Known all[] = {{"resnet18", 64, 20, 960, 11166912, 0.2969},
                         {"resnet18_cifar", 32, 20, 960, 11159232, 1.1129},
                         {"resnet34", 64, 36, 960, 21267648, 0.5992},
                         {"convnet3", 32, 3, 192, 75456, 0.0275},
                         {"mobilenetv2_half", 64, 52, 800, 515536, 0.01528}};
    for (const Known& known : all) {
        const Architecture architecture = loadArchitecture(kDocuments + known.name + ".json");
        BOOST_TEST(architecture.name == known.name);
        BOOST_TEST(architecture.size == known.size);
        const std::vector<int> layers = predictedLayers(architecture);
        BOOST_TEST(int(layers.size()) == known.layers);
        int64_t kernels = 0;
        for (int layer : layers) kernels += nodeCost(architecture, architecture.nodes[size_t(layer)]).parameters;
        BOOST_TEST(kernels == known.kernels);
        BOOST_TEST(double(totalCost(architecture).flops) * 1e-9 == known.gflop, boost::test_tools::tolerance(1e-3));
        std::vector<int> stages;
        for (size_t i = 0; i < architecture.stages.size(); ++i) stages.push_back(int(i) + 1);
        BOOST_TEST(featureCount(architecture, stages) == known.features);
    }
}

BOOST_AUTO_TEST_CASE(shapes_follow_the_windows_in_floor_mode) {
    const Architecture architecture =
        parse(document({conv("c7", "image", 4, 7, 2, 3), pool("m", "max_pool", "c7", 2, 2),
                        pool("a", "avg_pool", "m", 3, 2), plain("g", "global_pool", "a")},
                       {"g"}, 35));
    BOOST_TEST(shapeOf(architecture, "c7") == "4x18x18");
    BOOST_TEST(shapeOf(architecture, "m") == "4x9x9");
    BOOST_TEST(shapeOf(architecture, "a") == "4x4x4");
    BOOST_TEST(shapeOf(architecture, "g") == "4x1x1");
    const Shape image = inputShape(architecture, node(architecture, "c7"));
    BOOST_TEST((image.channels == 3 && image.height == 35 && image.width == 35));
    BOOST_TEST(shapeOf(parse(document({conv("c", "image", 1, 8, 8)}, {"c"}, 15)), "c") == "1x1x1");
}

BOOST_AUTO_TEST_CASE(costs_are_those_of_the_formulas) {
    const Architecture architecture = parse(residual());
    const Cost a = nodeCost(architecture, node(architecture, "a"));
    BOOST_TEST(a.flops == 2 * 9 * 3 * 5 * 17 * 17);
    BOOST_TEST(a.parameters == 9 * 3 * 5);
    BOOST_TEST(a.activations == 4 * 5 * 17 * 17);
    BOOST_TEST(nodeCost(architecture, node(architecture, "abn")).parameters == 10);
    BOOST_TEST(totalCost(architecture).parameters == 9 * 3 * 5 + 10 + 9 * 5 * 5);
}

// A network of two depthwise layers; `groups` and `out` of the first.
json deepDocument(const json& groups, int out) {
    json first = conv("deep", "a", out, 3, 2, 1);
    first["groups"] = groups;
    json second = conv("image3", "image", 3, 5, 2, 0);
    second["groups"] = 3;
    return document({conv("a", "image", 14, 1), first, second, conv("b", "deep", 3, 5, 1, 1), add("s", "b", "image3")},
                    {"s"}, 33);
}

BOOST_AUTO_TEST_CASE(a_depthwise_layer_sees_one_channel_at_a_time) {
    json good = deepDocument(14, 14);
    const Architecture architecture = parse(good);
    const Node& deep = node(architecture, "deep");
    BOOST_TEST(shapeOf(architecture, "deep") == "14x17x17");
    BOOST_TEST((deep.groups == 14 && isDepthwise(deep) && kernelInputs(architecture, deep) == 1));
    BOOST_TEST((!isDepthwise(node(architecture, "b")) && kernelInputs(architecture, node(architecture, "b")) == 14));
    const Cost cost = nodeCost(architecture, deep);
    BOOST_TEST(cost.parameters == 9 * 14);
    BOOST_TEST(cost.flops == 2 * 9 * 14 * 17 * 17);
    BOOST_TEST(cost.activations == 4 * 14 * 17 * 17);
    BOOST_TEST(totalCost(architecture).parameters == 3 * 14 + 9 * 14 + 25 * 3 + 25 * 14 * 3);
    const json again = json::parse(toJson(architecture));
    BOOST_TEST(again["layers"][1]["groups"] == 14);
    BOOST_TEST(!again["layers"][0].contains("groups"));  // documents without depthwise layers stay as they were
    good["layers"][0]["groups"] = 1;
    BOOST_TEST(json::parse(toJson(parse(good))) == again);
}

BOOST_AUTO_TEST_CASE(groups_are_one_or_all_channels) {
    const std::vector<std::string> place = {"layer \"deep\"", "14 x 33 x 33 from \"a\""};
    for (const auto& wrong : std::vector<std::pair<int, int>>{{7, 14}, {14, 28}, {28, 28}, {2, 14}}) {
        std::vector<std::string> parts = place;
        parts.push_back("\"groups\" is " + std::to_string(wrong.first));
        parts.push_back("\"out\", " + std::to_string(wrong.second));
        refused(deepDocument(wrong.first, wrong.second), parts);
    }
    refused(deepDocument(0, 14), {"layer \"deep\"", "\"groups\"", "1..4096", "0"});
    refused(deepDocument(4097, 14), {"1..4096", "4097"});
    refused(deepDocument("14", 14), {"\"groups\"", "string \"14\""});
    refused(changed("/layers/2/groups", 5), {"layer \"ar\"", "unknown key \"groups\""});
}

BOOST_AUTO_TEST_CASE(the_document_written_again_is_equal) {
    for (const char* name : {"resnet18", "resnet18_cifar", "resnet34", "convnet3", "mobilenetv2_half"}) {
        const Architecture architecture = loadArchitecture(kDocuments + name + ".json");
        const std::string text = toJson(architecture);
        BOOST_TEST(toJson(parseArchitecture(text, "again")) == text);
        BOOST_TEST(toJson(parseArchitecture(toJson(architecture, 4), "again")) == text);
        BOOST_TEST(text.find('\n') == std::string::npos);
    }
    json odd = residual();
    odd["input"]["mean"] = {0.1, 125.3, 254.9999};
    const Architecture first = parse(odd), second = parseArchitecture(toJson(first), "again");
    for (int c = 0; c < 3; ++c) {
        BOOST_TEST(first.mean[c] == second.mean[c]);
        BOOST_TEST(first.deviation[c] == second.deviation[c]);
    }
    BOOST_TEST(toJson(first).find("0.1,125.3,") != std::string::npos);  // not 0.10000000149
}

BOOST_AUTO_TEST_CASE(any_order_of_the_layers_gives_inputs_before_their_users) {
    const json original = json::parse(toJson(loadArchitecture(kDocuments + "resnet18.json")));
    std::mt19937 random(7);
    for (int round = 0; round < 5; ++round) {
        json shuffled = original;
        std::vector<json> layers = shuffled["layers"];
        std::shuffle(layers.begin(), layers.end(), random);
        shuffled["layers"] = layers;
        const Architecture architecture = parse(shuffled);
        BOOST_REQUIRE_EQUAL(architecture.nodes.size(), layers.size());
        for (size_t i = 0; i < architecture.nodes.size(); ++i) {
            for (int input : architecture.nodes[i].inputs) BOOST_REQUIRE_LT(input, int(i));
        }
        BOOST_TEST(shapeOf(architecture, "layer4.1.relu2") == "512x2x2");
    }
    BOOST_TEST(json::parse(toJson(parse(original)))["layers"] == original["layers"]);  // sorted stays as it is
}

BOOST_AUTO_TEST_CASE(syntax_errors_name_their_line) {
    refusedText("{\n\"name\": \"x\",\n oops }", {"line 3"});
    refusedText("", {"line 1"});
    refusedText("{}x", {"line 1"});
    refusedText("{\"name\": 1e999}", {"line 1"});
    refusedText("{\"name\": \"\xff\"}", {"not valid JSON"});
    refusedText("{\"name\":\n\n\n", {"line 4"});
    BOOST_TEST(errorOf("{\"" + std::string(100000, 'x')).size() < 600u);
}

BOOST_AUTO_TEST_CASE(hostile_nesting_and_size_are_refused_at_once) {
    refusedText(std::string(33, '['), {"nested deeper than 32"});
    refusedText(std::string(1000000, '['), {"nested deeper than 32"});
    refusedText(std::string(32, '[') + std::string(32, ']'), {"must be an object"});
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
    refusedText(deep, {"nested deeper than 32"});
    refusedText("{}" + std::string((1 << 20) - 1, ' '), {"1048577 bytes", "limit is 1048576"});
    std::string wide = "[{}";
    for (int i = 0; i < 340000; ++i) wide += ",{}";  // quadratic readers take minutes here
    refusedText(wide + "]", {"must be an object"});
}

BOOST_AUTO_TEST_CASE(keys_are_checked) {
    refused(changed("/extra", 1), {"unknown key \"extra\""});
    refused(changed("/input/extra", 1), {"input", "unknown key \"extra\""});
    refused(changed("/layers/0/bias", true), {"layer \"a\"", "unknown key \"bias\""});
    refused(changed("/layers/2/kernel", 3), {"layer \"ar\"", "unknown key \"kernel\""});
    refused(changed("/layers/4/input", "b"), {"layer \"sum\"", "unknown key \"input\""});
    for (const char* key : {"name", "input", "layers", "stages"}) {
        json missing = residual();
        missing.erase(key);
        refused(missing, {"\"" + std::string(key) + "\" is missing"});
    }
    for (const char* key : {"op", "input", "out", "kernel"}) {
        json missing = residual();
        missing["layers"][0].erase(key);
        refused(missing, {"layer \"a\"", "\"" + std::string(key) + "\" is missing"});
    }
    std::string twice = residual().dump();
    twice.insert(1, "\"name\":\"other\",");
    refusedText(twice, {"\"name\" stands twice"});
}

BOOST_AUTO_TEST_CASE(types_and_ranges_are_checked) {
    refused(json::array(), {"must be an object"});
    refused(changed("/layers/0/out", 5.0), {"layer \"a\"", "\"out\"", "integer in 1..4096", "number 5.0"});
    refused(changed("/layers/0/out", "5"), {"\"out\"", "string \"5\""});
    refused(changed("/layers/0/out", 0), {"1..4096", "0"});
    refused(changed("/layers/0/out", 4097), {"1..4096", "4097"});
    refused(changed("/layers/0/out", UINT64_MAX), {"1..4096", "18446744073709551615"});
    refused(changed("/layers/0/out", INT64_MIN), {"1..4096", "-9223372036854775808"});
    refused(changed("/layers/0/kernel", 16), {"1..15", "16"});
    refused(changed("/layers/0/stride", 9), {"1..8", "9"});
    refused(changed("/layers/0/stride", 0), {"1..8", "0"});
    refused(changed("/layers/0/pad", -1), {"\"pad\"", "-1"});
    refused(changed("/layers/0/pad", 3), {"pad 3", "kernel, 3"});
    refused(changed("/input/size", 7), {"8..1024", "7"});
    refused(changed("/input/size", 1025), {"8..1024", "1025"});
    refused(changed("/input/channels", 1), {"\"channels\"", "3..3"});
    refused(changed("/input/std/1", 0), {"\"std\"[1]", "0"});
    refused(changed("/input/std/1", -1), {"\"std\"[1]"});
    refused(changed("/input/std/2", nullptr), {"\"std\"[2]", "null"});
    refused(changed("/input/mean/0", 300), {"\"mean\"[0]", "300"});
    refused(changed("/input/mean", {1, 2}), {"3 numbers"});
    refused(changed("/layers/0/op", "conv2d"), {"unknown op \"conv2d\"", "global_pool"});
    refused(changed("/layers/0", "conv"), {"layers[0]", "must be an object"});
    refused(changed("/layers", json::array()), {"1..2000", "0"});
    refused(changed("/stages", json::array()), {"at least one"});
    refused(changed("/stages/0", 1), {"layer names"});
}

BOOST_AUTO_TEST_CASE(names_are_plain_unique_and_known) {
    refused(changed("/layers/0/name", ""), {"layers[0]"});
    refused(changed("/layers/0/name", "a b"), {"layers[0]", "a b"});
    refused(changed("/layers/0/name", "\x1b[31m"), {"\\u001b"});
    refused(changed("/layers/0/name", std::string(129, 'n')), {"1..128"});
    refused(changed("/layers/0/name", "image"), {"\"image\"", "network's input"});
    refused(changed("/layers/1/name", "a"), {"layer \"a\"", "twice"});
    refused(changed("/layers/1/input", "nobody"), {"layer \"abn\"", "\"nobody\""});
    refused(changed("/stages/0", "nobody"), {"stage", "\"nobody\""});
    refused(changed("/stages/0", "image"), {"stage", "\"image\""});
    refused(changed("/layers/4/inputs", {"b"}), {"layer \"sum\"", "two layer names"});
}

BOOST_AUTO_TEST_CASE(graphs_without_sense_are_refused) {
    refused(changed("/layers/1/input", "abn"), {"layer \"abn\"", "leads back"});
    json cycle = document({conv("a", "image", 4, 1), add("s", "a", "z"), plain("y", "relu", "s"),
                           plain("z", "relu", "y"), plain("after", "relu", "z")},
                          {"after"});
    const std::string error = errorOf(cycle.dump());
    BOOST_TEST(error.find("leads back") != std::string::npos);
    BOOST_TEST(error.find("\"after\"") == std::string::npos);  // it waits for the cycle but is not on it
    refused(changed("/layers/4/inputs/1", "image"),
            {"layer \"sum\"", "5 x 17 x 17 from \"b\"", "3 x 33 x 33 from \"image\""});
    refused(changed("/stages", {"ar"}), {"leads to no stage"});
    refused(changed("/stages", {"end", "ar"}), {"layer \"ar\"", "must come after"});
    refused(changed("/stages", {"ar", "ar", "end"}), {"layer \"ar\"", "must come after"});
    refused(document({plain("r", "relu", "image")}, {"r"}), {"no conv"});
}

BOOST_AUTO_TEST_CASE(windows_must_fit) {
    refused(document({conv("a", "image", 4, 3, 8), conv("b", "a", 4, 3)}, {"b"}, 9),
            {"layer \"b\"", "kernel 3", "4 x 1 x 1 from \"a\"", "pad 0"});
    BOOST_TEST(shapeOf(parse(document({conv("a", "image", 4, 15, 1, 4)}, {"a"}, 8)), "a") == "4x2x2");
    json padded = document({conv("a", "image", 4, 3), pool("p", "avg_pool", "a", 3, 2)}, {"p"});
    padded["layers"][1]["pad"] = 1;
    refused(padded, {"layer \"p\"", "avg_pool takes no padding"});
    padded["layers"][1]["pad"] = 0;
    BOOST_CHECK_NO_THROW(parse(padded));
    padded["layers"][1]["op"] = "max_pool";
    padded["layers"][1]["pad"] = 2;
    refused(padded, {"layer \"p\"", "half the kernel"});
}

BOOST_AUTO_TEST_CASE(total_limits_are_checked_without_overflow) {
    std::vector<json> layers = {conv("c0", "image", 4096, 1, 8)};
    for (int i = 1; i < 20; ++i) {
        layers.push_back(conv("c" + std::to_string(i), "c" + std::to_string(i - 1), 4096, 15, 8, 7));
    }
    refused(document(layers, {"c19"}, 8), {"layer \"c1\"", "parameters", "limit is 200000000"});
    refused(document({conv("c", "image", 4096, 1)}, {"c"}, 1024),
            {"layer \"c\"", "17179869184 bytes", "limit is 512000000"});
    std::vector<json> many = {conv("n0", "image", 1, 1)};
    for (int i = 1; i < 2000; ++i) {
        many.push_back(plain("n" + std::to_string(i), "relu", "n" + std::to_string(i - 1)));
    }
    BOOST_TEST(parse(document(many, {"n1999"}, 8)).nodes.size() == 2000u);
    many.push_back(plain("n2000", "relu", "n1999"));
    refused(document(many, {"n2000"}, 8), {"1..2000", "2001"});
}

BOOST_AUTO_TEST_CASE(files_that_are_none_are_refused) {
    BOOST_CHECK_THROW(loadArchitecture(kDocuments + "none.json"), std::exception);
    BOOST_CHECK_THROW(loadArchitecture(kDocuments), std::exception);
    BOOST_CHECK_THROW(loadArchitecture("/dev/zero"), std::exception);
    BOOST_CHECK_THROW(loadArchitecture("/dev/null"), std::exception);
}

BOOST_AUTO_TEST_CASE(stages_out_of_range_are_refused) {
    const Architecture architecture = parse(residual());
    BOOST_TEST(featureCount(architecture, {1, 2}) == 10);
    BOOST_CHECK_THROW(featureCount(architecture, {0}), std::exception);
    BOOST_CHECK_THROW(featureCount(architecture, {3}), std::exception);
}

// Deleting, doubling or changing any byte gives an error or a network, never a crash (run under ASan and UBSan too).
BOOST_AUTO_TEST_CASE(damaged_documents_do_not_crash) {
    const std::string text = residual().dump();
    for (size_t i = 0; i < text.size(); ++i) {
        errorOf(text.substr(0, i));
        errorOf(text.substr(0, i) + text.substr(i + 1));
        errorOf(text.substr(0, i) + text.substr(i, 1) + text.substr(i));
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = text;
            damaged[i] = char(damaged[i] ^ (1 << bit));
            errorOf(damaged);
        }
    }
}
