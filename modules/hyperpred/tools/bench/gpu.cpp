// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "atomic_file.hpp"
#include "backend.hpp"
#include "bench.hpp"
#include "error.hpp"
#include "head.hpp"
#include "net.hpp"
#include "net_onnx.hpp"
#include "random_hypernetwork.hpp"

// The GPU rows of the project's targets: the hypernetwork alone, and images in host memory -> ONNX bytes. Weights are
// random unless a model file is given: time does not depend on them. Agreement does: the half-precision features of a
// random network are off four times as far as a trained one's (4e-3 against 1e-3, ResNet-18 on the host executor), so
// that row wants --model. No OpenCV and no Boost here, so that a bare GPU machine can build it.

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

const int kClasses = 20;
const int kSample = 1000;
const int kBatch = 256;  // images of one ordinary pass: what the predictor reads from its spool at once

struct Settings {
    std::string architecture = "data/architectures/resnet18_cifar.json", model, backend = "cuda", json;
    int images = 10000, rounds = 15, check = 128, runs = 20;
    double tflops = 790, deviceGBs = 4300, uploadGBs = 40;  // ceilings of an H200, for the floor
};

struct GpuOption {
    OptionEntry entry;
    std::function<void(Settings&, const std::string&)> set;
};

int numberOf(const std::string& option, const std::string& value, int least) {
    const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
    const int number = digits && value.size() <= 9 ? std::stoi(value) : -1;
    if (number >= least) return number;
    fail(Failure::BadArgument,
         "option --" + option + " is \"" + value + "\", must be a whole number from " + std::to_string(least) + " on");
}

// {--name, what follows, its meaning}; a number's default is read off the settings.
const std::vector<GpuOption>& gpuOptions() {
    static const std::vector<GpuOption> options = {
        {{"architecture", "", "FILE", {}, Settings().architecture, false, "architecture of random weights (.json)"},
         [](Settings& s, const std::string& value) { s.architecture = value; }},
        {{"model", "", "FILE", {}, "", false, "hypernetwork file (.safetensors) in place of random weights"},
         [](Settings& s, const std::string& value) { s.model = value; }},
        {{"backend", "", "NAME", {}, Settings().backend, false, "backend, e.g. cuda, cuda:exact or cpu"},
         [](Settings& s, const std::string& value) { s.backend = value; }},
        {{"images", "", "N", {}, std::to_string(Settings().images), false, "images of a prediction"},
         [](Settings& s, const std::string& value) { s.images = numberOf("images", value, 2 * kClasses); }},
        {{"rounds", "", "N", {}, std::to_string(Settings().rounds), false, "predictions to take the median of"},
         [](Settings& s, const std::string& value) { s.rounds = numberOf("rounds", value, 1); }},
        {{"check", "", "N", {}, std::to_string(Settings().check), false, "images compared with the CPU; 0: none"},
         [](Settings& s, const std::string& value) { s.check = numberOf("check", value, 0); }},
        {{"runs", "", "N", {}, std::to_string(Settings().runs), false, "predictions that must give the same bits"},
         [](Settings& s, const std::string& value) { s.runs = numberOf("runs", value, 1); }},
        {{"json", "", "FILE", {}, "", false, "JSON file to write"},
         [](Settings& s, const std::string& value) { s.json = value; }},
    };
    return options;
}

Settings parse(int argc, char** argv) {
    Settings settings;
    for (int i = 0; i < argc; i += 2) {
        const std::string name = argv[i];
        std::string known;
        bool found = false;
        for (const GpuOption& option : gpuOptions()) {
            known += (known.empty() ? "--" : ", --") + option.entry.name;
            if (name != "--" + option.entry.name) continue;
            if (i + 1 >= argc) fail(Failure::BadArgument, "option " + name + " has no value");
            option.set(settings, argv[i + 1]);
            found = true;
        }
        if (!found) fail(Failure::BadArgument, "option " + name + " is not known; " + known + " are");
    }
    return settings;
}

// What a prediction pools by default: the last three stages, by root mean square.
FeatureChoice choiceFor(const Architecture& architecture) {
    FeatureChoice choice;
    choice.pooling = Pooling::Rms;
    const int count = int(architecture.stages.size());
    for (int stage = std::max(1, count - 2); stage <= count; ++stage) choice.stages.push_back(stage);
    return choice;
}

double milliseconds(const std::function<void()>& call) {
    const auto start = Clock::now();
    call();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

Json spread(const std::vector<double>& values) {
    return {{"median_ms", median(values)},
            {"least_ms", *std::min_element(values.begin(), values.end())},
            {"most_ms", *std::max_element(values.begin(), values.end())},
            {"rounds", values.size()}};
}

// Each class has a colour of its own, so that a head has something to find.
struct Pictures {
    Pictures(int count, int size) : each(size_t(size) * size_t(size) * 3), bytes(size_t(count) * each) {
        std::mt19937 draw(7);
        for (size_t n = 0; n < size_t(count); ++n) {
            const int label = int(n % kClasses);
            labels.push_back(label);
            for (size_t i = 0; i < each; ++i) {
                const int colour = 40 + (label * 37 + int(i % 3) * (label * 11 + 29)) % 150;
                bytes[n * each + i] = uint8_t(colour + int(draw() % 60));
            }
        }
    }
    ImageBatch batch(int first, int count, int size) const {
        ImageBatch some;
        some.pixels = bytes.data() + size_t(first) * each;
        some.count = count;
        some.size = size;
        return some;
    }
    size_t each;
    std::vector<uint8_t> bytes;
    std::vector<int> labels;
};

std::shared_ptr<const HyperNetwork> modelOf(const Settings& settings) {
    if (settings.model.empty()) {
        return test::randomHyperNetwork(loadArchitecture(settings.architecture), HyperConfig(), 11);
    }
    return std::make_shared<const HyperNetwork>(loadHyperNetwork(ModelFile::open(settings.model)));
}

// Of a file that was trained to its first stage alone: the base weights.
std::unique_ptr<BackendNetwork> networkFrom(const HyperNetwork& hyper, Backend& backend,
                                            const std::vector<float>& sketch) {
    return backend.generate(hyper.trained ? backend.unroll(sketch) : std::vector<float>());
}

// One prediction from images in host memory to an ONNX file in host memory, with what each stage took.
struct Prediction {
    std::vector<float> sketch;  // empty where the file has base weights alone
    std::vector<float> features;
    Head head;
    size_t onnxBytes = 0;
    std::map<std::string, double> stages;  // ms
};

class Pipeline {
public:
    Pipeline(const std::shared_ptr<const HyperNetwork>& hyper, Backend& backend, const Pictures& pictures)
        : hyper_(*hyper), backend_(backend), pictures_(pictures), choice_(choiceFor(hyper->architecture)) {}

    Prediction operator()() const {
        Prediction result;
        const Architecture& architecture = hyper_.architecture;
        const int all = int(pictures_.labels.size()), sample = std::min(all, kSample);
        const int columns = featureCount(architecture, choice_.stages);
        const ImageBatch first = pictures_.batch(0, sample, architecture.size);
        result.stages["1 sketch"] = milliseconds([&] {
            if (!hyper_.trained) return;
            const std::vector<int> labels(pictures_.labels.begin(), pictures_.labels.begin() + sample);
            result.sketch = sketchFromPooled(
                hyper_.sketch, poolByLabel(backend_.encode(first), labels, imageFeatureCount(hyper_.sketch)));
        });
        std::unique_ptr<BackendNetwork> network;
        KeptRows keptSample;
        std::vector<KeptRows> keptRest;  // of each batch
        result.stages["2 weights"] = milliseconds([&] { network = networkFrom(hyper_, backend_, result.sketch); });
        result.stages["3 calibrate"] =
            milliseconds([&] { result.features = backend_.calibrate(*network, first, choice_, {}, &keptSample); });
        result.stages["4 features"] = milliseconds([&] {
            result.features.resize(size_t(all) * size_t(columns));
            for (int from = sample; from < all; from += kBatch) {
                keptRest.emplace_back();
                backend_.features(*network, pictures_.batch(from, std::min(kBatch, all - from), architecture.size),
                                  choice_, result.features.data() + size_t(from) * size_t(columns), &keptRest.back());
            }
        });
        FeatureTable table(columns, kClasses);
        FeatureStatistics statistics;
        result.stages["5 statistics"] = milliseconds([&] {
            table.append(result.features.data(), pictures_.labels.data(), sample, keptSample);
            for (int from = sample, k = 0; from < all; from += kBatch, ++k) {
                table.append(result.features.data() + size_t(from) * size_t(columns), pictures_.labels.data() + from,
                             std::min(kBatch, all - from), keptRest[size_t(k)]);
            }
            statistics = gatherStatistics(table, backend_);
        });
        result.stages["6 head"] =
            milliseconds([&] { result.head = fitHead(HeadKind::Ridge, table, statistics, 0.01).head; });
        result.stages["7 net"] = milliseconds([&] {
            result.onnxBytes =
                emitOnnx(buildNet(architecture, backend_.download(*network), choice_, result.head, {})).size();
        });
        return result;
    }

    // All images in one pass: what larger batches would make of "4 features".
    double featuresAtOnceMs(int rounds) const {
        const int all = int(pictures_.labels.size()), size = hyper_.architecture.size;
        const auto network = networkFrom(hyper_, backend_, std::vector<float>(size_t(hyper_.config.width), 0.2f));
        backend_.calibrate(*network, pictures_.batch(0, std::min(all, kSample), size), choice_);
        std::vector<float> rows(size_t(all) * size_t(featureCount(hyper_.architecture, choice_.stages)));
        std::vector<double> times;
        for (int round = 0; round < rounds; ++round) {
            times.push_back(milliseconds(
                [&] { backend_.features(*network, pictures_.batch(0, all, size), choice_, rows.data()); }));
        }
        return median(times);
    }

private:
    const HyperNetwork& hyper_;
    Backend& backend_;
    const Pictures& pictures_;
    FeatureChoice choice_;
};

double apart(const std::vector<float>& found, const std::vector<float>& expected) {
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < found.size(); ++i) {
        const double off = std::abs(double(found[i]) - double(expected[i]));
        most = std::isfinite(off) ? std::max(most, off) : HUGE_VAL;
        scale = std::max(scale, std::abs(double(expected[i])));
    }
    return most / scale;
}

double apart(const NetworkWeights& found, const NetworkWeights& expected) {
    double most = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        most = std::max({most, apart(found[i].kernel.values, expected[i].kernel.values),
                         apart(found[i].gamma, expected[i].gamma), apart(found[i].beta, expected[i].beta)});
    }
    return most;
}

// Of the images that the head was fitted to, so that nothing is fast by being wrong.
double top1Percent(const Prediction& prediction, const std::vector<int>& labels) {
    const int classes = prediction.head.classes;
    const std::vector<float> logits = applyHead(prediction.head, prediction.features.data(), int(labels.size()));
    size_t right = 0;
    for (size_t n = 0; n < labels.size(); ++n) {
        const auto row = logits.begin() + std::ptrdiff_t(n) * classes;
        right += std::max_element(row, row + classes) - row == labels[n];
    }
    return 100 * double(right) / double(labels.size());
}

// The same images, sketch and head on the CPU. The head was fitted to what this very sketch gives: on another network
// it would answer at random.
Json agreement(const std::shared_ptr<const HyperNetwork>& hyper, Backend& backend, const Pictures& pictures,
               const Prediction& prediction, int images) {
    const auto cpu = createBackend("cpu", hyper);
    const ImageBatch batch = pictures.batch(0, images, hyper->architecture.size);
    const FeatureChoice choice = choiceFor(hyper->architecture);
    const std::vector<float>& sketch = prediction.sketch;
    const Head& head = prediction.head;
    const auto here = networkFrom(*hyper, backend, sketch), there = networkFrom(*hyper, *cpu, sketch);
    const double weights = apart(backend.download(*here), cpu->download(*there));
    const std::vector<float> found = backend.calibrate(*here, batch, choice);
    const std::vector<float> expected = cpu->calibrate(*there, batch, choice);
    const std::vector<float> a = applyHead(head, found.data(), images), b = applyHead(head, expected.data(), images);
    int same = 0;
    for (int n = 0; n < images; ++n) {
        const auto best = [&](const std::vector<float>& logits) {
            const auto row = logits.begin() + std::ptrdiff_t(n) * head.classes;
            return std::max_element(row, row + head.classes) - row;
        };
        same += best(a) == best(b);
    }
    // And an ordinary pass where both have the same statistics.
    const auto shared = backend.upload(cpu->download(*there));
    std::vector<float> passed(found.size()), judged(found.size());
    backend.features(*shared, batch, choice, passed.data());
    cpu->features(*there, batch, choice, judged.data());
    Json result = {{"images", images},
                   {"weights", weights},
                   {"calibrated_features", apart(found, expected)},
                   {"features", apart(passed, judged)},
                   {"top1_percent", 100.0 * same / images},
                   {"bars", {{"weights", 1e-5}, {"features", 2e-3}, {"top1_percent", 99.5}}}};
    if (hyper->trained) {
        result["encode"] = apart(backend.encode(batch), cpu->encode(batch));
        result["codes"] = apart(backend.unroll(sketch), cpu->unroll(sketch));
    }
    return result;
}

// How many of `runs` predictions of one sample give the bits of the first.
Json repeated(const std::shared_ptr<const HyperNetwork>& hyper, Backend& backend, const Pictures& pictures, int runs) {
    const ImageBatch batch = pictures.batch(0, std::min(int(pictures.labels.size()), 300), hyper->architecture.size);
    const FeatureChoice choice = choiceFor(hyper->architecture);
    std::vector<float> first;
    int same = 0;
    for (int run = 0; run < runs; ++run) {
        const auto network = networkFrom(*hyper, backend, std::vector<float>(size_t(hyper->config.width), 0.2f));
        std::vector<float> rows = backend.calibrate(*network, batch, choice);
        std::vector<float> again(rows.size());
        backend.features(*network, batch, choice, again.data());
        rows.insert(rows.end(), again.begin(), again.end());
        if (run == 0) first = rows;
        same += rows == first;
    }
    return {{"runs", runs}, {"bit_equal", same}};
}

// What the row could take at best: the forward pass at the matrix ceiling, the bytes up at the bus's speed.
double floorMs(const Settings& settings, const Architecture& architecture, int images) {
    const double flops = double(totalCost(architecture).flops) * images;
    const double bytes = double(images) * architecture.size * architecture.size * 3;
    return 1000 * (flops / (settings.tflops * 1e12) + bytes / (settings.uploadGBs * 1e9));
}

Json hypernetworkRow(const HyperNetwork& hyper, Backend& backend, int rounds) {
    const std::vector<float> pooled(size_t(4 * imageFeatureCount(hyper.sketch)), 0.3f);
    std::vector<double> whole, unroll;
    for (int round = 0; round < 4 * rounds; ++round) {
        std::vector<float> codes;
        std::unique_ptr<BackendNetwork> network;
        double step = 0;
        whole.push_back(milliseconds([&] {
            const std::vector<float> sketch = sketchFromPooled(hyper.sketch, pooled);
            step = milliseconds([&] { codes = backend.unroll(sketch); });
            network = backend.generate(codes);
            backend.finish();  // a device works on after generate() has returned
        }));
        unroll.push_back(step);
    }
    Json row = spread(whole);
    row["unroll_ms"] = median(unroll);
    row["bar_ms"] = 0.5;
    row["moonshot_ms"] = 0.12;
    return row;
}

}  // namespace

CommandPage gpuBenchPage() {
    CommandPage page;
    page.usage = "hyperpred_bench gpu [options]";
    for (const GpuOption& option : gpuOptions()) page.options.push_back(option.entry);
    page.options.push_back({"help", "h", "", {}, "", false, "this text"});
    return page;
}

int runGpuBench(int argc, char** argv) {
    if (argc == 1 && (std::string(argv[0]) == "--help" || std::string(argv[0]) == "-h")) {
        std::cout << helpText(gpuBenchPage());
        return 0;
    }
    const auto start = Clock::now();
    const Settings settings = parse(argc, argv);
    const auto hyper = modelOf(settings);
    const Architecture& architecture = hyper->architecture;
    const Pictures pictures(settings.images, architecture.size);
    Json result = {{"architecture", architecture.name}, {"images", settings.images}};

    const auto ready = Clock::now();
    const auto backend = createBackend(settings.backend, hyper);
    const Pipeline pipeline(hyper, *backend, pictures);
    Prediction prediction = pipeline();
    result["cold_ms"] = std::chrono::duration<double, std::milli>(Clock::now() - ready).count();
    result["model_and_pictures_ms"] = std::chrono::duration<double, std::milli>(ready - start).count();
    result["device"] = backend->device();
    result["routines"] = backend->routines();

    std::vector<double> whole;
    std::map<std::string, std::vector<double>> stages;
    for (int round = 0; round < settings.rounds; ++round) {
        whole.push_back(milliseconds([&] { prediction = pipeline(); }));
        for (const auto& stage : prediction.stages) stages[stage.first].push_back(stage.second);
    }
    Json endToEnd = spread(whole);
    const double flops = double(totalCost(architecture).flops) * settings.images;
    const double forward = median(stages["3 calibrate"]) + median(stages["4 features"]);
    endToEnd["floor_ms"] = floorMs(settings, architecture, settings.images);
    endToEnd["times_the_floor"] = median(whole) / floorMs(settings, architecture, settings.images);
    endToEnd["forward_tflops"] = flops / forward / 1e9;
    endToEnd["pixels_gbs"] = double(pictures.bytes.size()) / forward / 1e6;
    endToEnd["onnx_bytes"] = prediction.onnxBytes;
    for (const auto& stage : stages) endToEnd["stages_ms"][stage.first] = median(stage.second);
    endToEnd["all_features_at_once_ms"] = pipeline.featuresAtOnceMs(settings.rounds);
    result["end_to_end"] = endToEnd;
    result["top1_percent"] = top1Percent(prediction, pictures.labels);
    result["hypernetwork"] = hyper->trained ? hypernetworkRow(*hyper, *backend, settings.rounds) : Json();
    result["repeated"] = repeated(hyper, *backend, pictures, settings.runs);
    if (settings.check > 0) {
        result["agreement_with_cpu"] =
            agreement(hyper, *backend, pictures, prediction, std::min(settings.check, settings.images));
    }
    result["device_at_the_end"] = backend->device();  // another one if the first gave up

    std::printf("%s, %d images of %d px, %s\n", architecture.name.c_str(), settings.images, architecture.size,
                backend->device().c_str());
    if (hyper->trained) {
        std::printf("  %-28s %10.3f ms\n", "hypernetwork", result["hypernetwork"]["median_ms"].get<double>());
    }
    for (const auto& stage : stages) std::printf("  %-28s %10.3f ms\n", stage.first.c_str(), median(stage.second));
    std::printf("  %-28s %10.3f ms, %.1f times the floor, %.1f TFLOP/s in the network\n", "images -> ONNX",
                median(whole), endToEnd["times_the_floor"].get<double>(), endToEnd["forward_tflops"].get<double>());
    std::printf("  %-28s %10.2f %%\n", "top-1 on these images", result["top1_percent"].get<double>());
    std::cout << result.dump() << "\n";
    if (!settings.json.empty()) {
        writeAtomically(settings.json, [&](std::ostream& file) { file << result.dump(2) << "\n"; });
    }
    const std::string atTheEnd = backend->device();
    if (atTheEnd.find("(instead of") == std::string::npos) return 0;
    std::cerr << "hyperpred_bench gpu: the figures are not of the device that was asked for: " << atTheEnd << "\n";
    return 2;
}

}  // namespace hyperpred
}  // namespace cv
