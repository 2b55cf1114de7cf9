// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "bench.hpp"
#include "help_command.hpp"
#include "version.hpp"
#ifndef HYPERPRED_WITHOUT_OPENCV
#include <opencv2/core.hpp>

#include "command.hpp"
#endif

namespace {

using namespace cv::hyperpred;

struct Bench {
    const char* name;
    int (*run)(int argc, char** argv);
    const char* summary;
};

const Bench kBenches[] = {
#ifndef HYPERPRED_WITHOUT_OPENCV
    {"accuracy", runAccuracyBench, "trains, judges and tabulates what a protocol file asks for"},
    {"label_errors", runLabelErrorsBench, "measures how many wrong labels are among the suspects"},
    {"speed", runSpeedBench, "measures calibration and features against cv::dnn with the same weights"},
#endif
    {"gpu", runGpuBench, "measures whole predictions on a GPU and how far they agree with the CPU"},
};

CommandPage pageOf(const Bench& bench) {
    CommandPage page;
#ifndef HYPERPRED_WITHOUT_OPENCV
    if (bench.run != runGpuBench) {
        page = describeCommand([&] { bench.run(0, nullptr); });
    }
#endif
    if (bench.run == runGpuBench) page = gpuBenchPage();
    page.name = bench.name;
    page.summary = bench.summary;
    return page;
}

ProgramPage programPage() {
    ProgramPage page;
    page.name = "hyperpred_bench";
    page.version = kVersion;
    page.summary = "measures hyperpred: accuracy against training, speed, agreement";
    page.description =
        "hyperpred_bench makes the figures that hyperpred's documentation gives. "
        "Results go to the standard output as a table, then as JSON.";
    for (const Bench& bench : kBenches) page.commands.push_back(pageOf(bench));
    page.commands.push_back(helpCommandPage(page.name));
    page.sections = {
        {"EXIT STATUS", {{"0", "Done."}, {"2", "It could not be done, or wrong use."}}},
        {"ENVIRONMENT", {{"HYPERPRED_DATA", "Folder with models and architectures, in place of the installed one."}}}};
    page.seeAlso = {"hyperpred", "hyperpred_train"};
    return page;
}

int run(const std::string& name, int argc, char** argv) {
    std::string names;
    for (const Bench& bench : kBenches) {
        if (bench.name == name) return bench.run(argc, argv);
        names += std::string(names.empty() ? "" : ", ") + bench.name;
    }
    std::cerr << "hyperpred_bench: "
              << (name.empty() ? "no benchmark given" : "\"" + name + "\" is no benchmark of this build")
              << "; benchmarks are " << names << "\n";
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string name = argc > 1 ? argv[1] : "";
    const int rest = std::min(argc, 2);
    try {
        if (name == "--help" || name == "-h" || name == "help") {
            return runHelp(programPage(), std::vector<std::string>(argv + rest, argv + argc));
        }
        if (name == "--version") {
            std::cout << "hyperpred_bench " << kVersion << "\n";
            return 0;
        }
        return run(name, argc - rest, argv + rest);
#ifndef HYPERPRED_WITHOUT_OPENCV
    } catch (const cv::Exception& error) {
        std::cerr << "hyperpred_bench " << name << ": " << error.err << "\n";
#endif
    } catch (const std::exception& error) {
        std::cerr << "hyperpred_bench " << name << ": " << error.what() << "\n";
    }
    return 2;
}
