// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <functional>
#include <iostream>
#include <map>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "command.hpp"
#include "version.hpp"

namespace {

const char kUsage[] =
    "usage: hyperpred COMMAND ...\n"
    "  predict DIR --model M --out net.onnx   predict a network for a folder of classes (or a CSV list path,label)\n"
    "  evaluate NET DIR                       accuracy of a predicted network on labelled images\n"
    "  classify NET IMAGE|DIR|VIDEO|CAMERA    classify images, a video file or a camera (its number)\n"
    "  update NET --add DIR | --drop CLASS | --rename OLD=NEW   change the classes of a network without its images\n"
    "  info FILE                              what a model, an architecture or a predicted network holds\n"
    "hyperpred COMMAND --help lists a command's options. Exit status: 0 done, 1 could not be done, 2 wrong use or\n"
    "bad input.\n";

}  // namespace

int main(int argc, char** argv) {
    using namespace cv::hyperpred;
    const std::map<std::string, std::function<int(const std::vector<std::string>&)>> commands = {
        {"predict", runPredict}, {"evaluate", runEvaluate}, {"classify", runClassify}, {"update", runUpdate},
        {"info", runInfo}};
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);  // failures reach the user as one line
    const std::string name = argc > 1 ? argv[1] : "";
    if (name == "--help" || name == "-h" || name == "help") {
        std::cout << kUsage;
        return 0;
    }
    if (name == "--version") {
        std::cout << "hyperpred " << kVersion << ", OpenCV " << cv::getVersionString() << "\n";
        return 0;
    }
    try {
        const auto command = commands.find(name);
        if (command == commands.end()) {
            throw WrongUse(name.empty() ? "no command given; commands are predict, evaluate, classify, update, info"
                                        : "\"" + name + "\" is no command; commands are predict, evaluate, classify, "
                                                        "update, info");
        }
        return command->second(std::vector<std::string>(argv + 2, argv + argc));
    } catch (const CannotDo& error) {
        std::cerr << "hyperpred " << name << ": " << error.what() << "\n";
        return 1;
    } catch (const cv::Exception& error) {
        std::cerr << "hyperpred " << name << ": " << error.err << "\n";
    } catch (const std::exception& error) {
        std::cerr << "hyperpred" << (name.empty() ? "" : " " + name) << ": " << error.what() << "\n";
    }
    return 2;
}
