// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE generators
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend.hpp"
#include "generator_draws.hpp"
#include "generators.hpp"
#include "hypernetwork.hpp"

using namespace cv::hyperpred;
using namespace cv::hyperpred::test;

namespace {

int indexOf(const Architecture& architecture, const std::string& name) {
    for (size_t i = 0; i < architecture.nodes.size(); ++i) {
        if (architecture.nodes[i].name == name) return int(i);
    }
    BOOST_FAIL("no node " + name);
    return -1;
}

void equal(const std::vector<float>& values, const Tensors& tensors, const std::string& name) {
    BOOST_TEST((values == tensors.at(name).values), name << " is in another place");
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_batch_norm_belongs_to_the_convolution_that_it_alone_reads) {
    const Architecture a = odd();
    BOOST_TEST(batchNormOf(a, indexOf(a, "stem")) == indexOf(a, "stem.bn"));
    BOOST_TEST(batchNormOf(a, indexOf(a, "main")) == indexOf(a, "main.bn"));
    BOOST_TEST(batchNormOf(a, indexOf(a, "short")) == -1);  // its reader is an add
    BOOST_TEST(batchNormOf(a, indexOf(a, "two")) == -1);    // a relu reads it as well
    BOOST_TEST(batchNormOf(a, indexOf(a, "bare")) == -1);   // a stage and nothing else
}

// As a stage its output before the batch-norm is a feature, so that the two cannot become one.
BOOST_AUTO_TEST_CASE(a_convolution_that_is_a_stage_has_no_batch_norm_of_its_own) {
    Architecture a = odd();
    a.stages.push_back(indexOf(a, "main"));
    BOOST_TEST(batchNormOf(a, indexOf(a, "main")) == -1);
    BOOST_TEST(batchNormOf(a, indexOf(a, "stem")) == indexOf(a, "stem.bn"));
}

BOOST_AUTO_TEST_CASE(every_convolution_of_the_shipped_architectures_has_a_batch_norm) {
    for (const char* name : {"resnet18", "resnet18_cifar", "resnet34", "convnet3", "mobilenetv2_half"}) {
        const Architecture a = loadArchitecture(std::string(HYPERPRED_DATA_DIR) + "/architectures/" + name + ".json");
        for (const int conv : predictedLayers(a)) {
            const int norm = batchNormOf(a, conv);
            BOOST_REQUIRE_GE(norm, 0);
            BOOST_TEST((a.nodes[size_t(norm)].op == Op::BatchNorm && a.nodes[size_t(norm)].inputs[0] == conv));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_residual_form_takes_each_tensor_to_its_place) {
    const Architecture a = odd();
    const HyperConfig config = configOf("residual");
    const Tensors tensors = tensorsOf(config);
    const GeneratorParameters p = readGenerators(inMemory(tensors), config, a);
    BOOST_TEST((!p.pure && p.rank == 3 && p.bottleneck == 2));
    BOOST_TEST(p.tiles.empty());
    BOOST_REQUIRE_EQUAL(p.base.size(), a.nodes.size());
    for (size_t i = 0; i < a.nodes.size(); ++i) {
        const std::string stem = "base." + a.nodes[i].name;
        const bool conv = a.nodes[i].op == Op::Conv, norm = a.nodes[i].op == Op::BatchNorm;
        if (conv) equal(p.base[i].kernel.values, tensors, stem + ".weight");
        if (norm) equal(p.base[i].gamma, tensors, stem + ".gamma");
        if (norm) equal(p.base[i].beta, tensors, stem + ".beta");
        BOOST_TEST((conv || p.base[i].kernel.values.empty()));
        BOOST_TEST((norm || (p.base[i].gamma.empty() && p.base[i].beta.empty())));
    }
    BOOST_REQUIRE_EQUAL(p.layers.size(), 5u);
    for (size_t i = 0; i < 5; ++i) {
        const std::string stem = "generator." + std::string(kLayers[i].name);
        equal(p.layers[i].filmWeight.values, tensors, stem + ".film.weight");
        equal(p.layers[i].filmBias.values, tensors, stem + ".film.bias");
        equal(p.layers[i].bottleneckWeight.values, tensors, stem + ".bottleneck.weight");
        equal(p.layers[i].outWeight.values, tensors, stem + ".out.weight");
        equal(p.layers[i].inWeight.values, tensors, stem + ".in.weight");
        equal(p.layers[i].inBias.values, tensors, stem + ".in.bias");
        BOOST_TEST(p.layers[i].tileEmbedding.values.empty());
    }
}

BOOST_AUTO_TEST_CASE(the_pure_form_takes_each_tensor_to_its_place) {
    const Architecture a = odd();
    const HyperConfig config = configOf("pure");
    const Tensors tensors = tensorsOf(config);
    const GeneratorParameters p = readGenerators(inMemory(tensors), config, a);
    BOOST_TEST((p.pure && p.tile == 4 && p.tileHidden == 5));
    BOOST_REQUIRE_EQUAL(p.layers.size(), 5u);
    for (size_t i = 0; i < 5; ++i) {
        const std::string stem = "generator." + std::string(kLayers[i].name);
        equal(p.layers[i].filmWeight.values, tensors, stem + ".film.weight");
        equal(p.layers[i].filmBias.values, tensors, stem + ".film.bias");
        equal(p.layers[i].tileEmbedding.values, tensors, stem + ".tiles");
        BOOST_TEST(p.layers[i].inWeight.values.empty());
    }
    BOOST_REQUIRE_EQUAL(p.tiles.size(), 3u);
    for (const auto& tile : p.tiles) {
        const std::string stem = "tile." + std::to_string(tile.first);
        equal(tile.second.expandWeight.values, tensors, stem + ".expand.weight");
        equal(tile.second.expandBias.values, tensors, stem + ".expand.bias");
        equal(tile.second.mixWeight.values, tensors, stem + ".mix.weight");
        equal(tile.second.mixBias.values, tensors, stem + ".mix.bias");
        equal(tile.second.tileWeight.values, tensors, stem + ".tile.weight");
        equal(tile.second.tileBias.values, tensors, stem + ".tile.bias");
    }
}

BOOST_AUTO_TEST_CASE(the_pure_form_has_a_neutral_base) {
    const Architecture a = odd();
    const GeneratorParameters p = readGenerators(inMemory(tensorsOf(configOf("pure"))), configOf("pure"), a);
    BOOST_REQUIRE_EQUAL(p.base.size(), a.nodes.size());
    for (size_t i = 0; i < a.nodes.size(); ++i) {
        const bool norm = a.nodes[i].op == Op::BatchNorm;
        const size_t channels = norm ? size_t(a.nodes[i].shape.channels) : 0;
        BOOST_TEST((p.base[i].gamma == std::vector<float>(channels, 1.f)));
        BOOST_TEST((p.base[i].beta == std::vector<float>(channels, 0.f)));
        BOOST_TEST(p.base[i].kernel.values.empty());
    }
}

BOOST_AUTO_TEST_CASE(rank_zero_leaves_the_gains_alone) {
    HyperConfig config = configOf("residual");
    config.rank = 0;
    const GeneratorParameters p = readGenerators(inMemory(tensorsOf(config)), config, odd());
    for (const LayerGenerator& layer : p.layers) {
        BOOST_TEST((!layer.filmWeight.values.empty() && layer.outWeight.values.empty() && layer.inBias.values.empty()));
    }
}

BOOST_AUTO_TEST_CASE(an_untrained_file_has_the_base_alone) {
    const GeneratorParameters p = readGenerators(inMemory(baseTensors()), configOf("residual"), odd(), false);
    BOOST_TEST(p.layers.empty());
    equal(p.base[0].kernel.values, baseTensors(), "base.stem.weight");
}

BOOST_AUTO_TEST_CASE(a_wrong_shape_is_refused_with_the_name_of_the_tensor) {
    for (const char* form : {"residual", "pure"}) {
        const HyperConfig config = configOf(form);
        for (const auto& item : tensorsOf(config)) {
            Tensors wrong = tensorsOf(config);
            Tensor& tensor = wrong[item.first];
            tensor.shape.insert(tensor.shape.begin(), 1);
            const std::string sentence = sentenceOf([&] { readGenerators(inMemory(wrong), config, odd()); });
            BOOST_TEST(sentence.find("\"" + item.first + "\"") != std::string::npos, sentence);
        }
    }
}

namespace {

// Generates from the tensors with the plain loops; codes are drawn.
NetworkWeights generatedFrom(const Tensors& tensors, const HyperConfig& config, const Architecture& architecture,
                             std::vector<float> codes = {}) {
    auto hyper = std::make_shared<HyperNetwork>();
    hyper->architecture = architecture;
    hyper->config = config;
    hyper->generators = readGenerators(inMemory(tensors), config, hyper->architecture);
    if (codes.empty())
        codes = drawn("codes", {int64_t(predictedLayers(architecture).size()), config.width}, 2.f).values;
    const std::unique_ptr<Backend> backend = createBackend("reference", hyper);
    return backend->download(*backend->generate(codes));
}

// The same of the odd network, after `change`.
NetworkWeights generated(const HyperConfig& config, const std::function<void(Tensors&)>& change,
                         const std::vector<float>& codes = {}) {
    Tensors tensors = tensorsOf(config);
    change(tensors);
    return generatedFrom(tensors, config, odd(), codes);
}

void zero(Tensors& tensors, const std::string& ending) {
    for (auto& item : tensors) {
        const size_t at = item.first.rfind(ending);
        if (at == std::string::npos || at + ending.size() != item.first.size()) continue;
        std::fill(item.second.values.begin(), item.second.values.end(), 0.f);
    }
}

void near(float value, double expected, const std::string& what) {
    BOOST_TEST(std::abs(double(value) - expected) <= 1e-5 * (1 + std::abs(expected)),
               what << ": " << value << ", expected " << expected);
}

}  // namespace

// What meta-training starts from: the prediction is the base network, bit for bit, whatever the codes.
BOOST_AUTO_TEST_CASE(without_gains_and_low_rank_kernels_the_base_is_predicted) {
    const NetworkWeights weights = generated(configOf("residual"), [](Tensors& tensors) {
        zero(tensors, ".film.weight");
        zero(tensors, ".film.bias");
        zero(tensors, ".out.weight");
    });
    const Architecture a = odd();
    const Tensors tensors = baseTensors();
    for (size_t i = 0; i < a.nodes.size(); ++i) {
        const std::string stem = "base." + a.nodes[i].name;
        if (a.nodes[i].op == Op::Conv) equal(weights[i].kernel.values, tensors, stem + ".weight");
        if (a.nodes[i].op != Op::BatchNorm) continue;
        equal(weights[i].gamma, tensors, stem + ".gamma");
        equal(weights[i].beta, tensors, stem + ".beta");
    }
}

// Rows of the film: O gammas, O betas, I kernel gains. The batch_norm of an add belongs to no convolution.
BOOST_AUTO_TEST_CASE(the_film_scales_gamma_beta_and_input_channels) {
    const Architecture a = odd();
    const NetworkWeights weights = generated(configOf("residual"), [](Tensors& tensors) {
        zero(tensors, ".film.weight");
        zero(tensors, ".out.weight");
    });
    const Tensors tensors = tensorsOf(configOf("residual"));
    const std::vector<float>& film = tensors.at("generator.main.film.bias").values;
    const NodeWeights& norm = weights[size_t(indexOf(a, "main.bn"))];
    for (size_t o = 0; o < 7; ++o) {
        near(norm.gamma[o], double(tensors.at("base.main.bn.gamma").values[o]) * (1 + double(film[o])), "gamma");
        near(norm.beta[o], double(tensors.at("base.main.bn.beta").values[o]) + double(film[7 + o]), "beta");
    }
    const std::vector<float>& base = tensors.at("base.main.weight").values;
    const std::vector<float>& kernel = weights[size_t(indexOf(a, "main"))].kernel.values;
    for (size_t e = 0; e < base.size(); ++e) {
        near(kernel[e], double(base[e]) * (1 + double(film[14 + e / 25 % 5])), "kernel");
    }
    equal(weights[size_t(indexOf(a, "add.bn"))].gamma, tensors, "base.add.bn.gamma");
    equal(weights[size_t(indexOf(a, "two.bn"))].beta, tensors, "base.two.bn.beta");
}

BOOST_AUTO_TEST_CASE(low_rank_kernels_are_sums_of_outer_products) {
    const HyperConfig config = configOf("residual");
    const Tensors tensors = tensorsOf(config);
    const std::vector<float> codes = drawn("codes", {5, config.width}, 2.f).values;
    const NetworkWeights weights = generated(config, [](Tensors& t) {
        zero(t, ".film.weight");
        zero(t, ".film.bias");
    }, codes);
    const auto at = [&](const std::string& part, int64_t i) {
        return double(tensors.at("generator.main." + part).values[size_t(i)]);
    };
    std::vector<double> t(2, 0);  // layer 1 is "main"
    for (int64_t b = 0; b < 2; ++b) {
        for (int64_t i = 0; i < 6; ++i) {
            t[size_t(b)] += at("bottleneck.weight", b * 6 + i) * double(codes[size_t(6 + i)]);
        }
    }
    const std::vector<float>& kernel = weights[size_t(indexOf(odd(), "main"))].kernel.values;
    for (int64_t o = 0; o < 7; ++o) {
        for (int64_t e = 0; e < 125; ++e) {  // e = (i, y, x)
            double sum = double(tensors.at("base.main.weight").values[size_t(o * 125 + e)]);
            for (int64_t r = 0; r < 3; ++r) {
                const int64_t u = r * 7 + o, v = r * 125 + e;
                sum += (at("out.weight", u * 2) * t[0] + at("out.weight", u * 2 + 1) * t[1]) *
                       (at("in.weight", v * 2) * t[0] + at("in.weight", v * 2 + 1) * t[1] + at("in.bias", v));
            }
            near(kernel[size_t(o * 125 + e)], sum, "kernel");
        }
    }
}

// With nothing but the last bias, each tile is that bias: where an entry lands shows how tiles are put together.
BOOST_AUTO_TEST_CASE(tiles_are_assembled_cut_and_scaled) {
    const Architecture a = odd();
    const NetworkWeights weights = generated(configOf("pure"), [](Tensors& tensors) {
        zero(tensors, ".tile.weight");
        zero(tensors, ".film.weight");
    });
    const Tensors tensors = pureTensors(configOf("pure"));
    for (const Layer& layer : kLayers) {
        const std::vector<float>& bias = tensors.at("tile." + std::to_string(layer.kernel) + ".tile.bias").values;
        const std::vector<float>& film = tensors.at("generator." + std::string(layer.name) + ".film.bias").values;
        const std::vector<float>& kernel = weights[size_t(indexOf(a, layer.name))].kernel.values;
        const int64_t window = layer.kernel * layer.kernel;
        BOOST_REQUIRE_EQUAL(kernel.size(), size_t(layer.out * layer.in * window));
        const double scale = std::sqrt(2.0 / double(layer.in * window));
        for (int64_t e = 0; e < int64_t(kernel.size()); ++e) {
            const int64_t o = e / (layer.in * window), i = e / window % layer.in;
            const double gain = 1 + double(film[size_t(2 * layer.out + i)]);
            near(kernel[size_t(e)], double(bias[size_t(o % 4 * 4 + i % 4)]) * scale * gain, layer.name);
        }
    }
}

// Equal tile embeddings make equal tiles; one that differs changes its own tile and no other.
BOOST_AUTO_TEST_CASE(a_tile_embedding_changes_its_own_tile) {
    const HyperConfig config = configOf("pure");
    const NetworkWeights before = generated(config, [](Tensors&) {});
    const NetworkWeights after = generated(config, [](Tensors& tensors) {
        tensors.at("generator.two.tiles").values[3 * 6] += 1;  // tile 3 of 3 x 2: outputs 4..7, inputs 4..6
    });
    const size_t two = size_t(indexOf(odd(), "two"));
    for (size_t e = 0; e < 9 * 7 * 9; ++e) {
        const size_t o = e / 63, i = e / 9 % 7;
        const bool same = before[two].kernel.values[e] == after[two].kernel.values[e];
        BOOST_TEST(same != (o >= 4 && o < 8 && i >= 4), "output " << o << ", input " << i);
    }
}

// A gain a tap, the same for all channels; u mixes R windows of k x k numbers that all channels share.
BOOST_AUTO_TEST_CASE(a_depthwise_kernel_has_gains_of_taps_and_mixes_of_shared_windows) {
    const HyperConfig config = configOf("residual");
    const Tensors tensors = deepTensors(config);
    const std::vector<float> codes = drawn("codes", {2, config.width}, 2.f).values;
    const NetworkWeights weights = generatedFrom(tensors, config, deepArchitecture(), codes);
    const auto row = [&](const std::string& name, int64_t r, const std::vector<double>& x) {
        double sum = 0;
        for (size_t i = 0; i < x.size(); ++i) {
            sum += double(tensors.at("generator.deep." + name).values[size_t(r) * x.size() + i]) * x[i];
        }
        return sum;
    };
    const auto bias = [&](const std::string& name, int64_t i) {
        return double(tensors.at("generator.deep." + name).values[size_t(i)]);
    };
    const std::vector<double> code(codes.begin() + 6, codes.end());
    const std::vector<double> t = {row("bottleneck.weight", 0, code), row("bottleneck.weight", 1, code)};
    const std::vector<float>& base = tensors.at("base.deep.weight").values;
    const NodeWeights &kernel = weights[1], &norm = weights[2];
    BOOST_TEST((kernel.kernel.shape == std::vector<int64_t>{19, 1, 3, 3}));
    for (int64_t c = 0; c < 19; ++c) {
        for (int64_t k = 0; k < 9; ++k) {
            const double gain = row("film.weight", 38 + k, code) + bias("film.bias", 38 + k);
            double expected = double(base[size_t(c * 9 + k)]) * (1 + gain);
            for (int64_t r = 0; r < 3; ++r) {
                expected +=
                    row("out.weight", r * 19 + c, t) * (row("in.weight", r * 9 + k, t) + bias("in.bias", r * 9 + k));
            }
            near(kernel.kernel.values[size_t(c * 9 + k)], expected, "kernel");
        }
        const double g = row("film.weight", c, code) + bias("film.bias", c);
        near(norm.gamma[size_t(c)], double(tensors.at("base.deep.bn.gamma").values[size_t(c)]) * (1 + g), "gamma");
    }
}

BOOST_AUTO_TEST_CASE(a_depthwise_kernel_takes_every_entry_of_its_tiles) {
    const HyperConfig config = configOf("pure");
    Tensors tensors = deepTensors(config);
    zero(tensors, ".film.weight");
    const std::vector<float>& film = tensors.at("generator.deep.film.bias").values;
    const NetworkWeights before = generatedFrom(tensors, config, deepArchitecture());
    Tensors changed = tensors;
    changed.at("generator.deep.tiles").values[6] += 1;  // of the second tile: channels 16 .. 18
    const NetworkWeights after = generatedFrom(changed, config, deepArchitecture());
    for (size_t c = 0; c < 19; ++c) {
        const float* own = before[1].kernel.values.data() + c * 9;
        BOOST_TEST(std::equal(own, own + 9, after[1].kernel.values.data() + c * 9) == (c < 16), "channel " << c);
    }
    // With nothing but the last bias, each entry is that bias.
    zero(tensors, ".tile.weight");
    const std::vector<float>& bias = tensors.at("tile.3.tile.bias").values;
    const NetworkWeights weights = generatedFrom(tensors, config, deepArchitecture());
    for (size_t e = 0; e < 19 * 9; ++e) {
        const double gain = 1 + double(film[38 + e % 9]);
        near(weights[1].kernel.values[e], double(bias[e / 9 % 16]) * std::sqrt(2.0 / 9) * gain, "kernel");
    }
}

BOOST_AUTO_TEST_CASE(tensors_of_a_depthwise_layer_have_its_shapes) {
    for (const char* form : {"residual", "pure"}) {
        const HyperConfig config = configOf(form);
        for (const auto& item : deepTensors(config)) {
            Tensors wrong = deepTensors(config);
            wrong[item.first].shape.insert(wrong[item.first].shape.begin(), 1);
            const std::string sentence =
                sentenceOf([&] { readGenerators(inMemory(wrong), config, deepArchitecture()); });
            BOOST_TEST(sentence.find("\"" + item.first + "\"") != std::string::npos, sentence);
        }
        BOOST_CHECK_NO_THROW(readGenerators(inMemory(deepTensors(config)), config, deepArchitecture()));
    }
}
