// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <functional>
#include <iostream>
#include <map>
#include <new>
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
    "  info FILE                              what a model, an architecture or a predicted network holds\n"
    "hyperpred COMMAND --help lists a command's options. Exit status: 0 done, 1 could not be done, 2 wrong use or\n"
    "bad input.\n";

}  // namespace

int main(int argc, char** argv) {
    using namespace cv::hyperpred;
    const std::map<std::string, std::function<int(const std::vector<std::string>&)>> commands = {
        {"predict", runPredict}, {"evaluate", runEvaluate}, {"classify", runClassify}, {"info", runInfo}};
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
            throw WrongUse(name.empty() ? "no command given; commands are predict, evaluate, classify, info"
                                        : "\"" + name + "\" is no command; commands are predict, evaluate, classify, "
                                                        "info");
        }
        const int status = command->second(std::vector<std::string>(argv + 2, argv + argc));
        if (!std::cout.flush()) throw CannotDo("the standard output cannot be written, so some of it is missing");
        return status;
    } catch (const CannotDo& error) {
        std::cerr << "hyperpred " << name << ": " << error.what() << "\n";
        return 1;
    } catch (const cv::Exception& error) {
        std::cerr << "hyperpred " << name << ": " << error.err << "\n";
        return error.code == cv::Error::StsNoMem ? 1 : 2;  // memory or disk ran out
    } catch (const std::bad_alloc&) {
        std::cerr << "hyperpred " << name << ": there is not enough memory\n";
        return 1;
    } catch (const std::exception& error) {
        std::cerr << "hyperpred" << (name.empty() ? "" : " " + name) << ": " << error.what() << "\n";
    }
    return 2;
}
