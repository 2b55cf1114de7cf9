// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <iostream>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "command.hpp"
#include "help_command.hpp"
#include "image_source.hpp"
#include "version.hpp"

namespace {

using namespace cv::hyperpred;

using Run = int (*)(const std::vector<std::string>& arguments);

struct Command {
    const char* name;
    Run run;
    const char* summary;
};

const Command kCommands[] = {
    {"predict", runPredict, "predicts a network for a folder of classes (or a CSV list path,label)"},
    {"evaluate", runEvaluate, "measures a predicted network on labelled images"},
    {"classify", runClassify, "classifies images, a video file or a camera (its number)"},
    {"update", runUpdate, "adds, drops or renames classes of a predicted network without its images"},
    {"info", runInfo, "shows what a model, an architecture or a predicted network holds"},
    {"doctor", runDoctor,
     "checks this installation: versions, processor, GPU, models, temporary folder, a small prediction"},
};

ProgramPage programPage() {
    ProgramPage page;
    page.name = "hyperpred";
    page.version = kVersion;
    page.summary = "predicts image classifiers from labelled images without training them";
    page.description =
        "hyperpred makes an image classifier from labelled images without a training run. "
        "A hypernetwork predicts the weights of a network for these images, and a closed-form head is fitted on it. "
        "The result is an ONNX file for OpenCV's dnn module and others.";
    for (const Command& command : kCommands) {
        page.commands.push_back(describeCommand([&] { command.run({}); }));
        page.commands.back().name = command.name;
        page.commands.back().summary = command.summary;
    }
    page.commands.push_back(helpCommandPage(page.name));
    page.sections = {
        {"EXIT STATUS", {{"0", "Done."}, {"1", "It could not be done."}, {"2", "Wrong use or bad input."}}},
        {"ENVIRONMENT",
         {{"HYPERPRED_DATA", "Folder with models and architectures, in place of the installed one."},
          {"TMPDIR", "Folder for images that do not fit in memory, in place of /tmp."}}},
        {"FILES",
         {{"share/hyperpred/models", "Models that --model names without a path, below the program's prefix."}}}};
    page.seeAlso = {"hyperpred_train", "hyperpred_bench"};
    return page;
}

int tellVersion() {
    std::cout << "hyperpred " << kVersion << ", OpenCV " << cv::getVersionString() << "\n";
    return 0;
}

Run findRun(const std::string& name) {
    std::string names;
    for (const Command& command : kCommands) {
        if (command.name == name) return command.run;
        names += std::string(command.name) + ", ";
    }
    throw WrongUse((name.empty() ? "no command given" : "\"" + name + "\" is no command") + "; commands are " + names +
                   "help");
}

}  // namespace

int main(int argc, char** argv) {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);  // failures reach the user as one line
    const std::string name = argc > 1 ? argv[1] : "";
    const std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
    if (name == "--help" || name == "-h" || name == "help") return runHelp(programPage(), arguments);
    const auto failed = [&](const std::string& reason, int status) {
        endProgress();  // on a terminal the sentence would follow the per cent
        std::cerr << "hyperpred" << (name.empty() ? "" : " " + name) << ": " << reason << "\n";
        return status;
    };
    try {
        const int status = name == "--version" ? tellVersion() : findRun(name)(arguments);
        if (!std::cout.flush()) throw CannotDo("the standard output cannot be written, so some of it is missing");
        return status;
    } catch (const CannotDo& error) {
        return failed(error.what(), 1);
    } catch (const cv::Exception& error) {
        return failed(error.err, error.code == cv::Error::StsNoMem ? 1 : 2);  // memory or disk ran out
    } catch (const std::bad_alloc&) {
        return failed("there is not enough memory", 1);
    } catch (const std::exception& error) {
        return failed(error.what(), 2);
    }
}
