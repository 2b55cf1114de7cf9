// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/hyperpred.hpp>

#include "bench.hpp"
#include "command.hpp"
#include "data_folder.hpp"
#include "labelled_images.hpp"

namespace cv {
namespace hyperpred {

namespace {

// Gives a share of the images another label, each other class as likely. Returns which ones.
std::vector<bool> flipLabels(LabelledImages& images, double share, int seed) {
    const int classes = int(images.classNames.size()), count = images.count();
    std::vector<int> order(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) order[size_t(i)] = i;
    cv::RNG chance(uint64_t(seed) * 1000003u + 29u);
    for (int i = count; i > 1; --i) std::swap(order[size_t(i - 1)], order[size_t(chance.uniform(0, i))]);
    std::vector<bool> flipped(size_t(count), false);
    for (int i = 0; i < int(std::lround(share * count)); ++i) {
        int& label = images.labels[size_t(order[size_t(i)])];
        label = (label + chance.uniform(1, classes)) % classes;
        flipped[size_t(order[size_t(i)])] = true;
    }
    return flipped;
}

Ptr<HyperPredictor> predictorWith(const std::string& model, const LabelledImages& images, int threads) {
    const auto predictor = HyperPredictor::create(model, "auto", threads);
    std::vector<cv::Mat> views;
    for (int i = 0; i < images.count(); ++i) views.push_back(images.image(i));
    predictor->add(views, images.labels);
    return predictor;
}

double share(int part, int whole) {
    return whole > 0 ? double(part) / whole : 0;
}

}  // namespace

int runLabelErrorsBench(int argc, char** argv) {
    namespace po = boost::program_options;
    po::options_description options("options");
    options.add_options()("model", po::value<std::string>()->default_value(kDefaultModel),
                          "hypernetwork file (.safetensors), or the name of an installed one")(
        "share", po::value<double>()->default_value(0.1, "0.1"), "of the labels that get wrong, 0..0.5")(
        "images", po::value<int>()->default_value(1 << 30, "all"), "most images of a class")(
        "draws", po::value<int>()->default_value(3), "how often, each time with other labels")(
        "threads", po::value<int>()->default_value(0), "0: all cores");
    const Arguments arguments("hyperpred_bench label_errors DIR [options]", options, {"DIR"},
                              std::vector<std::string>(argv, argv + argc));
    if (arguments.helped()) return 0;
    const double wrong = arguments.get<double>("share");
    if (!(wrong > 0 && wrong <= 0.5)) throw WrongUse("--share must be above 0 and at most 0.5");
    const int threads = arguments.get<int>("threads");
    const std::string model = modelPath(arguments.get<std::string>("model"));
    const int size = nlohmann::json::parse(HyperPredictor::create(model, "cpu", threads)->info())
                         .at("architecture")
                         .at("input")
                         .at("size")
                         .get<int>();
    const LabelledImages right =
        readLabelledImages(arguments.get<std::string>("DIR"), ClassChoice(), size, arguments.get<int>("images"));
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    std::cout << "| draw | images | wrong labels | suspects | found among the first " << std::lround(200 * wrong)
              << " % of the images | precision among as many as are wrong |\n|---:|---:|---:|---:|---:|---:|\n"
              << std::fixed << std::setprecision(1);
    for (int draw = 0; draw < arguments.get<int>("draws"); ++draw) {
        LabelledImages images = right;
        const std::vector<bool> flipped = flipLabels(images, wrong, draw);
        const std::vector<Suspect> suspects = predictorWith(model, images, threads)->predict()->suspects();
        const int errors = int(std::count(flipped.begin(), flipped.end(), true));
        int found = 0, first = 0;
        for (int i = 0; i < std::min(int(suspects.size()), 2 * errors); ++i) {
            found += flipped[size_t(suspects[size_t(i)].image)] ? 1 : 0;
            if (i + 1 == std::min(int(suspects.size()), errors)) first = found;
        }
        std::cout << "| " << draw << " | " << images.count() << " | " << errors << " | " << suspects.size() << " | "
                  << 100 * share(found, errors) << " % | " << 100 * share(first, errors) << " % |\n";
        rows.push_back({{"images", images.count()},
                        {"wrong", errors},
                        {"suspects", suspects.size()},
                        {"found", share(found, errors)},
                        {"precision", share(first, errors)}});
    }
    std::cout << rows.dump() << "\n";
    return 0;
}

}  // namespace hyperpred
}  // namespace cv
