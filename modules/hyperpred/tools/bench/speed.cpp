// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <sys/resource.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/dnn.hpp>

#include "backend.hpp"
#include "bench.hpp"
#include "command.hpp"
#include "data_folder.hpp"
#include "net.hpp"
#include "net_opencv.hpp"
#include "random_hypernetwork.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kDnnBatch = 16;  // the yardstick: larger batches are no faster in cv::dnn

double seconds(const std::function<void()>& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A model file, or an architecture document for a hypernetwork of drawn weights: speed does not depend on them.
std::shared_ptr<const HyperNetwork> hyperNetworkOf(const std::string& path) {
    const std::string ending = ".json";
    if (path.size() > ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0) {
        return test::randomHyperNetwork(loadArchitecture(path), HyperConfig(), 11);
    }
    return std::make_shared<const HyperNetwork>(loadHyperNetwork(ModelFile::open(modelPath(path))));
}

std::vector<uint8_t> randomPixels(int images, int size) {
    cv::RNG chance(7);
    std::vector<uint8_t> pixels(size_t(images) * size_t(size) * size_t(size) * 3);
    for (uint8_t& byte : pixels) byte = uint8_t(chance.next());
    return pixels;
}

// The same weights as a cv::dnn::Net. Its head is of zeros, and no pass gets as far.
cv::dnn::Net dnnNet(const Architecture& architecture, const NetworkWeights& weights, const std::vector<int>& stages) {
    Head head;
    head.classes = 2;
    head.columns = featureCount(architecture, stages);
    head.weight.assign(size_t(head.classes) * size_t(head.columns), 0.f);
    head.bias.assign(size_t(head.classes), 0.f);
    head.familiarity.white.assign(size_t(head.columns) * size_t(head.columns), 0.f);
    head.familiarity.whiteBias.assign(size_t(head.columns), 0.f);
    head.familiarity.means.assign(size_t(head.classes) * size_t(head.columns), 0.f);
    return emitOpenCV(buildNet(architecture, weights, stages, head, {}));
}

double dnnSeconds(cv::dnn::Net& net, const std::vector<uint8_t>& pixels, int images, int size) {
    return seconds([&] {
        for (int first = 0; first < images; first += kDnnBatch) {
            std::vector<cv::Mat> batch;
            for (int i = first; i < std::min(images, first + kDnnBatch); ++i) {
                auto* data = const_cast<uint8_t*>(pixels.data() + size_t(i) * size_t(size) * size_t(size) * 3);
                batch.emplace_back(size, size, CV_8UC3, data);
            }
            net.setInput(cv::dnn::blobFromImages(batch, 1.0, cv::Size(size, size), cv::Scalar(), true, false));
            net.forward("features");
        }
    });
}

double peakMiB() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_maxrss) / 1024;
}

}  // namespace

// Calibrate one half of the images and pass the other half, against cv::dnn forwarding as many with the same weights;
// the two take turns, and the best round of each counts.
int runSpeedBench(int argc, char** argv) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()("images", po::value<int>()->default_value(2000), "half calibrated, half passed")
        ("rounds", po::value<int>()->default_value(3), "turns of each")
        ("threads", po::value<int>()->default_value(0), "0: all cores");
    const Arguments arguments("hyperpred_bench speed MODEL|ARCHITECTURE.json [options]", options, {"MODEL"},
                              std::vector<std::string>(argv, argv + argc));
    if (arguments.helped()) return 0;
    const int images = std::max(4, arguments.get<int>("images")), half = images / 2;
    if (arguments.get<int>("threads") > 0) cv::setNumThreads(arguments.get<int>("threads"));
    const auto hyper = hyperNetworkOf(arguments.get<std::string>("MODEL"));
    const int size = hyper->architecture.size, last = int(hyper->architecture.stages.size());
    const std::vector<int> stages = last > 1 ? std::vector<int>{last - 1, last} : std::vector<int>{last};
    const std::vector<uint8_t> pixels = randomPixels(images, size);
    const auto backend = createBackend("cpu", hyper, arguments.get<int>("threads"));
    ImageBatch sample, rest;
    sample.pixels = pixels.data();
    sample.count = half;
    rest.pixels = pixels.data() + size_t(half) * size_t(size) * size_t(size) * 3;
    rest.count = images - half;
    sample.size = rest.size = size;

    const double before = peakMiB();
    double hyperSeconds = 1e30, calibrate = 1e30, features = 1e30, dnn = 1e30, ours = 1e30, peak = 0;
    std::vector<float> out(size_t(rest.count) * size_t(featureCount(hyper->architecture, stages)));
    cv::dnn::Net net;
    for (int round = 0; round < std::max(1, arguments.get<int>("rounds")); ++round) {
        std::unique_ptr<BackendNetwork> network;
        hyperSeconds = std::min(hyperSeconds, seconds([&] {
            if (hyper->trained) {
                network = backend->generate(backend->unroll(std::vector<float>(size_t(hyper->config.width), 0.1f)));
            } else {
                network = backend->generate({});
            }
        }));
        const double first = seconds([&] { backend->calibrate(*network, sample, stages); });
        const double second = seconds([&] { backend->features(*network, rest, stages, out.data()); });
        if (round == 0) {
            peak = peakMiB() - before;
            net = dnnNet(hyper->architecture, backend->download(*network), stages);
            dnnSeconds(net, pixels, kDnnBatch, size);  // its first forward allocates
        }
        calibrate = std::min(calibrate, first);
        features = std::min(features, second);
        ours = std::min(ours, first + second);
        dnn = std::min(dnn, dnnSeconds(net, pixels, images, size));
    }
    std::printf("%s, %d images of %d px, %s\n", hyper->architecture.name.c_str(), images, size,
                backend->device().c_str());
    std::printf("  %-34s %9.1f ms\n", hyper->trained ? "hypernetwork" : "base weights", 1000 * hyperSeconds);
    std::printf("  %-34s %9.0f images/s\n", "calibrate", half / calibrate);
    std::printf("  %-34s %9.0f images/s\n", "features", rest.count / features);
    std::printf("  %-34s %9.0f images/s\n", "calibrate + features", images / ours);
    std::printf("  %-34s %9.0f images/s\n", "cv::dnn, batch 16", images / dnn);
    std::printf("  %-34s %9.2f x\n", "ratio", dnn / ours);
    std::printf("  %-34s %9.0f MiB\n", "peak memory above model and images", peak);
    const nlohmann::ordered_json json = {{"architecture", hyper->architecture.name},
                                         {"device", backend->device()},
                                         {"images", images},
                                         {"hypernetwork_ms", 1000 * hyperSeconds},
                                         {"calibrate_images_per_second", half / calibrate},
                                         {"features_images_per_second", rest.count / features},
                                         {"both_images_per_second", images / ours},
                                         {"dnn_images_per_second", images / dnn},
                                         {"ratio", dnn / ours},
                                         {"peak_mib", peak}};
    std::cout << json.dump() << "\n";
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
