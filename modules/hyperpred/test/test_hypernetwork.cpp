// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE hypernetwork
#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hypernetwork.hpp"
#include "sentence.hpp"
#include "temporary_folder.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;
namespace fs = std::filesystem;

namespace {

using Metadata = std::map<std::string, std::string>;
using Tensors = std::map<std::string, Tensor>;

// Two convolutions, the second with no batch-norm: kernels 3 and 1, odd channel counts.
const char* const kArchitecture =
    R"({"name":"two","input":{"size":9,"channels":3,"mean":[1,2,3],"std":[4,5,6]},"layers":[)"
    R"({"name":"a","op":"conv","input":"image","out":5,"kernel":3,"pad":1},)"
    R"({"name":"abn","op":"batch_norm","input":"a"},)"
    R"({"name":"b","op":"conv","input":"abn","out":7,"kernel":1}],"stages":["abn","b"]})";

// Values that F32 keeps and that differ from tensor to tensor.
void put(Tensors& tensors, const std::string& name, const std::vector<int64_t>& shape) {
    Tensor tensor;
    tensor.shape = shape;
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    for (int64_t i = 0; i < count; ++i) tensor.values.push_back(float(name.size()) + float(i) / 64.f);
    tensors[name] = tensor;
}

void putLinear(Tensors& tensors, const std::string& stem, int64_t out, int64_t in) {
    put(tensors, stem + ".weight", {out, in});
    put(tensors, stem + ".bias", {out});
}

void putNorm(Tensors& tensors, const std::string& stem, int64_t size) {
    put(tensors, stem + ".weight", {size});
    put(tensors, stem + ".bias", {size});
}

void putBase(Tensors& tensors) {
    put(tensors, "base.a.weight", {5, 3, 3, 3});
    put(tensors, "base.b.weight", {7, 5, 1, 1});
    put(tensors, "base.abn.gamma", {5});
    put(tensors, "base.abn.beta", {5});
}

void putSketchAndCell(Tensors& tensors, const HyperConfig& config) {
    const int64_t d = config.width;
    const int64_t pooled = 4 * (config.encoder == "conv" ? kConvFeatures : kStatsFeatures);
    for (int64_t i = 0, in = 3; config.encoder == "conv" && i < 4; in = kConvChannels[i++]) {
        put(tensors, "sketch.conv" + std::to_string(i) + ".weight", {kConvChannels[i], in, 3, 3});
        put(tensors, "sketch.conv" + std::to_string(i) + ".bias", {kConvChannels[i]});
    }
    putNorm(tensors, "sketch.norm", pooled);
    putLinear(tensors, "sketch.hidden", d, pooled);
    putLinear(tensors, "sketch.out", d, d);
    putLinear(tensors, "recurrent.embed", config.embedding, kDescriptionSize);
    for (int cell = 0; cell < config.layers; ++cell) {
        const std::string stem = "recurrent.cell" + std::to_string(cell);
        putLinear(tensors, stem + ".input", 3 * d, cell == 0 ? config.embedding + d : d);
        putLinear(tensors, stem + ".hidden", 3 * d, d);
    }
    putNorm(tensors, "recurrent.norm", d);
}

void putResidual(Tensors& tensors, const HyperConfig& config, const std::string& name, int64_t out, int64_t in,
                 int64_t kernel) {
    const std::string stem = "generator." + name;
    putLinear(tensors, stem + ".film", 2 * out + in, config.width);
    put(tensors, stem + ".bottleneck.weight", {config.bottleneck, config.width});
    put(tensors, stem + ".out.weight", {config.rank * out, config.bottleneck});
    putLinear(tensors, stem + ".in", config.rank * in * kernel * kernel, config.bottleneck);
}

void putPure(Tensors& tensors, const HyperConfig& config, const std::string& name, int64_t out, int64_t in,
             int64_t kernel) {
    const int64_t tile = config.tile, hidden = config.tileHidden;
    putLinear(tensors, "generator." + name + ".film", 2 * out + in, config.width);
    put(tensors, "generator." + name + ".tiles", {((out + tile - 1) / tile) * ((in + tile - 1) / tile), config.width});
    const std::string stem = "tile." + std::to_string(kernel);
    putLinear(tensors, stem + ".expand", hidden * kernel * kernel, config.width);
    putLinear(tensors, stem + ".mix", hidden, hidden);
    putLinear(tensors, stem + ".tile", tile * tile, hidden);
}

HyperConfig smallConfig(const std::string& form, const std::string& encoder, int layers) {
    HyperConfig config;
    config.form = form;
    config.encoder = encoder;
    config.width = 6;
    config.layers = layers;
    config.embedding = 3;
    config.rank = 2;
    config.bottleneck = 4;
    config.tile = 4;
    config.tileHidden = 3;
    config.sketchMix = 0.25f;
    return config;
}

Tensors complete(const HyperConfig& config) {
    Tensors tensors;
    putSketchAndCell(tensors, config);
    if (config.form == "pure") {
        putPure(tensors, config, "a", 5, 3, 3);
        putPure(tensors, config, "b", 7, 5, 1);
    } else {
        putBase(tensors);
        putResidual(tensors, config, "a", 5, 3, 3);
        putResidual(tensors, config, "b", 7, 5, 1);
    }
    return tensors;
}

Metadata metadataOf(const HyperConfig& config) {
    return {{"format", "hyperpred-1"},
            {"architecture", kArchitecture},
            {"hypernetwork", toJson(config)},
            {"training", "{\"epochs\":3}"}};
}

HyperNetwork load(const Metadata& metadata, const Tensors& tensors) {
    const TemporaryFolder folder;
    writeModelFile(folder.file("m.safetensors"), metadata, tensors, StorageType::F32);
    return loadHyperNetwork(ModelFile::open(folder.file("m.safetensors")));
}

void refused(const Metadata& metadata, const Tensors& tensors, const std::string& part) {
    const std::string error = sentenceOf([&] { load(metadata, tensors); });
    BOOST_TEST(error.find(part) != std::string::npos, "expected '" << part << "' in: " << error);
    BOOST_TEST(error.find("m.safetensors") != std::string::npos, "no file in: " << error);
}

void refusedConfig(const std::string& json, const std::string& part) {
    const std::string error = sentenceOf([&] { parseHyperConfig(json, "m.safetensors"); });
    BOOST_TEST(error.find(part) != std::string::npos, "expected '" << part << "' in: " << error);
    BOOST_TEST(error.find("m.safetensors") != std::string::npos, "no file in: " << error);
}

std::string untrained(const HyperConfig& config) {
    return "{\"trained\":false," + toJson(config).substr(1);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_form_and_encoder_loads_its_tensors) {
    for (const char* form : {"residual", "pure"}) {
        for (const char* encoder : {"stats", "conv"}) {
            for (int layers = 1; layers <= 2; ++layers) {
                const HyperConfig config = smallConfig(form, encoder, layers);
                const Tensors tensors = complete(config);
                const HyperNetwork hyper = load(metadataOf(config), tensors);
                BOOST_TEST(hyper.trained);
                BOOST_TEST(hyper.training == "{\"epochs\":3}");
                BOOST_TEST(hyper.architecture.name == "two");
                BOOST_TEST(hyper.sketch.convWeight.size() == (config.encoder == "conv" ? 4u : 0u));
                BOOST_TEST(hyper.recurrent.cells.size() == size_t(layers));
                BOOST_TEST(hyper.recurrent.sketchMix == 0.25f);
                BOOST_TEST(hyper.generators.layers.size() == 2u);
                BOOST_TEST(hyper.generators.tiles.size() == (config.form == "pure" ? 2u : 0u));
                BOOST_TEST((hyper.sketch.outWeight.values == tensors.at("sketch.out.weight").values));
                const auto& film = hyper.generators.layers[1].filmWeight.values;
                BOOST_TEST((film == tensors.at("generator.b.film.weight").values));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_missing_tensor_is_named) {
    for (const char* form : {"residual", "pure"}) {
        const HyperConfig config = smallConfig(form, "conv", 2);
        const Tensors tensors = complete(config);
        for (const auto& item : tensors) {
            Tensors fewer = tensors;
            fewer.erase(item.first);
            refused(metadataOf(config), fewer, "\"" + item.first + "\"");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_foreign_or_misshapen_tensor_is_named) {
    const HyperConfig config = smallConfig("residual", "stats", 1);
    const Tensors tensors = complete(config);
    for (const char* name : {"extra", "base.c.weight", "recurrent.cell1.hidden.bias", "sketch.conv0.bias",
                             "generator.a.tiles", "tile.3.mix.bias", "base.abn.weight"}) {
        Tensors more = tensors;
        put(more, name, {2});
        refused(metadataOf(config), more, "\"" + std::string(name) + "\" belongs to no part");
    }
    for (const auto& item : tensors) {
        Tensors wrong = tensors;
        wrong[item.first].shape.push_back(1);
        refused(metadataOf(config), wrong, "\"" + item.first + "\": has shape");
    }
}

BOOST_AUTO_TEST_CASE(an_untrained_file_holds_the_base_alone) {
    const HyperConfig config = smallConfig("residual", "stats", 1);
    Metadata metadata = metadataOf(config);
    metadata["hypernetwork"] = untrained(config);
    Tensors base;
    putBase(base);
    const HyperNetwork hyper = load(metadata, base);
    BOOST_TEST(!hyper.trained);
    BOOST_TEST(hyper.generators.base[0].kernel.values.size() == 5u * 3 * 3 * 3);
    BOOST_TEST(hyper.generators.layers.empty());
    BOOST_TEST(hyper.recurrent.cells.empty());
    BOOST_TEST(hyper.sketch.outWeight.values.empty());
    refused(metadata, complete(config), "belongs to no part");
    refused(metadataOf(config), base, "is missing");
    metadata["hypernetwork"] = untrained(smallConfig("pure", "stats", 1));
    refused(metadata, {}, "\"trained\" cannot be false");
}

BOOST_AUTO_TEST_CASE(metadata_are_required_and_checked) {
    const HyperConfig config = smallConfig("residual", "stats", 1);
    const Tensors tensors = complete(config);
    for (const char* key : {"format", "architecture", "hypernetwork"}) {
        Metadata fewer = metadataOf(config);
        fewer.erase(key);
        refused(fewer, tensors, "\"" + std::string(key) + "\"");
    }
    Metadata metadata = metadataOf(config);
    metadata.erase("training");
    BOOST_TEST(load(metadata, tensors).training == "");
    metadata["training"] = "{";
    refused(metadata, tensors, "training summary");
    metadata = metadataOf(config);
    metadata["format"] = "hyperpred-2";
    refused(metadata, tensors, "\"hyperpred-2\"");
    metadata = metadataOf(config);
    metadata["architecture"] = "{}";
    refused(metadata, tensors, "architecture \"metadata of ");
}

// A megabyte of small values: a reader that is quadratic in them takes minutes.
BOOST_AUTO_TEST_CASE(hostile_metadata_are_read_in_linear_time, *boost::unit_test::timeout(20)) {
    const HyperConfig config = smallConfig("residual", "stats", 1);
    Metadata metadata = metadataOf(config);
    std::string wide = "[{}";
    while (wide.size() < (1u << 20) - 8) wide += ",{}";
    metadata["training"] = wide + "]";
    BOOST_TEST(load(metadata, complete(config)).trained);
    metadata["training"] = wide + ",{},{},{}]";
    refused(metadata, complete(config), "limit is 1048576");
    metadata["training"] = std::string(100000, '[');
    refused(metadata, complete(config), "nested deeper");
}

BOOST_AUTO_TEST_CASE(the_configuration_written_again_is_equal) {
    for (const char* form : {"residual", "pure"}) {
        HyperConfig config = smallConfig(form, "conv", 2);
        config.sketchMix = 0.1f;
        const HyperConfig again = parseHyperConfig(toJson(config), "again");
        BOOST_TEST(toJson(again) == toJson(config));
        BOOST_TEST(again.sketchMix == 0.1f);
        BOOST_TEST(again.tileHidden == 3);
    }
    BOOST_TEST(toJson(parseHyperConfig("{}", "x")) == toJson(HyperConfig()));
}

BOOST_AUTO_TEST_CASE(the_configuration_is_strict) {
    refusedConfig("[]", "object");
    refusedConfig("{", "line 1");
    refusedConfig("{\"width\":1,\"width\":2}", "twice");
    refusedConfig("{\"wdith\":1}", "\"wdith\" is not known");
    refusedConfig("{\"form\":\"dense\"}", "\"form\"");
    refusedConfig("{\"form\":1}", "\"form\"");
    refusedConfig("{\"encoder\":\"vit\"}", "\"encoder\"");
    refusedConfig("{\"width\":0}", "1..4096");
    refusedConfig("{\"width\":4097}", "1..4096");
    refusedConfig("{\"width\":18446744073709551615}", "1..4096");
    refusedConfig("{\"width\":4.0}", "integer");
    refusedConfig("{\"width\":\"4\"}", "integer");
    refusedConfig("{\"layers\":3}", "1..2");
    refusedConfig("{\"sketch_mix\":-0.5}", "0..1");
    refusedConfig("{\"sketch_mix\":\"a\"}", "0..1");
    const HyperConfig config = smallConfig("residual", "stats", 1);
    Metadata metadata = metadataOf(config);
    metadata["hypernetwork"] = "{\"trained\":1," + toJson(config).substr(1);
    refused(metadata, complete(config), "\"trained\" must be true or false");
}
