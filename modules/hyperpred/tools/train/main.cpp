// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <torch/torch.h>
#include <torch/version.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdio>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "base_stage.hpp"
#include "checkpoint.hpp"
#include "error.hpp"
#include "export_model.hpp"
#include "help_command.hpp"
#include "meta_stage.hpp"
#include "refine.hpp"
#include "settings.hpp"
#include "version.hpp"
#ifdef HYPERPRED_WITH_PACK
#include <opencv2/core.hpp>

#include "pack.hpp"
#endif

namespace {

using namespace cv::hyperpred;

struct WrongUse {
    std::string sentence;
};

struct Arguments {
    std::string command, subject, data, config, out, golden;
    std::vector<std::string> overrides;
    int size = 0;
    bool resume = false, raw = false, strict = false, help = false;
};

struct Option {
    OptionEntry entry;
    std::vector<std::string> commands;  // that take it
    std::function<void(Arguments&, const std::string&)> set;
};

int pixelsOf(const std::string& text) {
    int pixels = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, pixels);
    if (read.ec != std::errc() || read.ptr != end || pixels < 1) {
        throw WrongUse{"--size is \"" + text + "\", must be a whole number of pixels, 8..1024"};
    }
    return pixels;
}

const std::vector<Option>& options() {
    static const std::vector<Option> list = {
        {{"config", "", "FILE", {}, "", true, "configuration (.json)"},
         {"base", "meta"},
         [](Arguments& a, const std::string& value) { a.config = value; }},
        {{"set", "", "KEY=VALUE", {}, "", false, "value in place of the configuration's; as often as you like"},
         {"base", "meta", "resume", "refine"},
         [](Arguments& a, const std::string& value) { a.overrides.push_back(value); }},
        {{"resume", "", "", {}, "", false, "go on from the newest checkpoint in run.out"},
         {"base", "meta"},
         [](Arguments& a, const std::string&) { a.resume = true; }},
        {{"size", "", "N", {}, "", true, "edge of the packed images in pixels"},
         {"pack"},
         [](Arguments& a, const std::string& value) { a.size = pixelsOf(value); }},
        {{"out", "", "FILE", {}, "", false, "file to write"},
         {"pack", "export", "refine"},
         [](Arguments& a, const std::string& value) { a.out = value; }},
        {{"strict", "", "", {}, "", false, "stop at the first file that cannot be read"},
         {"pack"},
         [](Arguments& a, const std::string&) { a.strict = true; }},
        {{"raw", "", "", {}, "", false, "the weights themselves, not their running average"},
         {"export"},
         [](Arguments& a, const std::string&) { a.raw = true; }},
        {{"golden", "", "FILE", {}, "", false, "also write inputs and outputs of every stage, to test a runtime by"},
         {"export"},
         [](Arguments& a, const std::string& value) { a.golden = value; }},
    };
    return list;
}

struct Command {
    const char* name;
    const char* operands;
    const char* summary;
};

const Command kCommands[] = {
    {"pack", "FOLDER|LIST.csv|CIFAR_FILE --size N --out FILE", "reads images into one file for training"},
    {"base", "--config FILE", "trains base weights (stage 1)"},
    {"meta", "--config FILE", "trains the hypernetwork on tasks (stage 2)"},
    {"resume", "CHECKPOINT|FOLDER", "goes on from the checkpoint, a folder's newest, with its own configuration"},
    {"refine", "MODEL.safetensors FILE.pack --out FILE",
     "trains the weights that `hyperpred predict --keep-weights` wrote for a few epochs more (stage 1)"},
    {"export", "CHECKPOINT|FOLDER --out FILE", "writes the model file that hyperpred predicts with"},
    {"keys", "", "lists every configuration key with default, range and meaning"},
};

std::string rangeOf(const NumberSetting& setting) {
    char text[96];
    std::snprintf(text, sizeof text, "%g..%g (default: %g)", setting.lowest, setting.highest, setting.fallback);
    return text;
}

std::string rangeOf(const WordSetting& setting) {
    std::string text;
    for (const std::string& word : setting.allowed) text += (text.empty() ? "" : ", ") + word;
    const std::string fallback = setting.fallback;
    if (text.empty()) text = "any text";
    return fallback.empty() ? text : text + " (default: " + fallback + ")";
}

ManualSection keySection() {
    ManualSection section{"CONFIGURATION KEYS", {}};
    for (const NumberSetting& setting : numberSettings()) {
        section.entries.emplace_back(setting.key, setting.meaning + (": " + rangeOf(setting)));
    }
    for (const WordSetting& setting : wordSettings()) {
        section.entries.emplace_back(setting.key, setting.meaning + (": " + rangeOf(setting)));
    }
    return section;
}

CommandPage pageOf(const Command& command) {
    CommandPage page;
    page.name = command.name;
    page.usage = "hyperpred_train " + page.name + (command.operands[0] ? " " : "") + command.operands;
    page.summary = command.summary;
    for (const Option& option : options()) {
        const auto& takers = option.commands;
        if (std::find(takers.begin(), takers.end(), page.name) != takers.end()) page.options.push_back(option.entry);
    }
    if (!page.options.empty()) page.usage += " [options]";
    page.options.push_back({"help", "h", "", {}, "", false, "this text"});
    return page;
}

ProgramPage programPage(bool manual) {
    ProgramPage page;
    page.name = "hyperpred_train";
    page.version = kVersion;
    page.summary = "meta-trains the hypernetwork that hyperpred predicts with";
    page.description =
        "hyperpred_train makes model files for hyperpred. "
        "Both stages write checkpoints, log.csv and curves.png to run.out and may be stopped at any time by Ctrl-C.";
    for (const Command& command : kCommands) page.commands.push_back(pageOf(command));
    page.commands.push_back(helpCommandPage(page.name));
    if (manual) page.sections.push_back(keySection());
    page.sections.push_back({"EXIT STATUS",
                             {{"0", "Done."},
                              {"1", "It could not be done."},
                              {"2", "Wrong use."},
                              {"3", "Stopped before its end, with a checkpoint."}}});
    page.seeAlso = {"hyperpred", "hyperpred_bench"};
    return page;
}

const Option& findOption(const std::string& command, const std::string& word) {
    for (const Option& option : options()) {
        if (word != "--" + option.entry.name) continue;
        const auto& takers = option.commands;
        if (std::find(takers.begin(), takers.end(), command) != takers.end()) return option;
        throw WrongUse{command + " takes no " + word};
    }
    throw WrongUse{"\"" + word + "\" is not understood"};
}

Arguments parseArguments(int count, char** values) {
    if (count < 2) throw WrongUse{"a command is missing"};
    Arguments arguments;
    arguments.command = values[1];
    if (findCommand(programPage(false), arguments.command) == nullptr) {
        throw WrongUse{"\"" + arguments.command + "\" is no command"};
    }
    for (int i = 2; i < count; ++i) {
        const std::string word = values[i];
        if (word == "--help" || word == "-h") {
            arguments.help = true;
        } else if (!word.empty() && word[0] != '-' && arguments.subject.empty()) {
            arguments.subject = word;
        } else if (!word.empty() && word[0] != '-' && arguments.command == "refine" && arguments.data.empty()) {
            arguments.data = word;
        } else {
            const Option& option = findOption(arguments.command, word);
            const bool value = !option.entry.value.empty();
            if (value && i + 1 >= count) throw WrongUse{"option " + word + " needs a value"};
            option.set(arguments, value ? values[++i] : "");
        }
    }
    return arguments;
}

void prepareTorch(const Settings& settings) {
    if (settings.integer("run.threads") > 0) at::set_num_threads(settings.integer("run.threads"));
    if (settings.word("run.device") == "cuda" && !torch::cuda::is_available()) {
        fail(Failure::Unsupported, "run.device is \"cuda\", but this libtorch finds no CUDA device");
    }
}

// Throws where the run was stopped before its end.
struct Stopped {};

void runStage(const std::string& stage, const Settings& settings, TrainState* from) {
    prepareTorch(settings);
    if (!(stage == "meta" ? runMetaStage(settings, from) : runBaseStage(settings, from))) throw Stopped();
}

// `stage`: the one that is meant, or empty for whichever it is.
void resumeRun(const std::string& folder, const std::vector<std::string>& overrides, const std::string& stage) {
    TrainState state = loadCheckpoint(folder);
    if (!stage.empty() && state.stage != stage) {
        fail(Failure::BadArgument, "folder \"" + folder + "\" holds a run of `" + state.stage + "`, not of `" + stage +
                                       "`; `hyperpred_train resume " + folder + "` goes on with it");
    }
    const Settings settings = parseSettings(state.settings, "checkpoint in " + folder, overrides);
    runStage(state.stage, settings, &state);
}

void startRun(const Arguments& arguments) {
    if (arguments.config.empty()) throw WrongUse{"--config FILE is missing"};
    const Settings settings = loadSettings(arguments.config, arguments.overrides);
    const std::string& folder = settings.word("run.out");
    if (arguments.resume) {
        resumeRun(folder, arguments.overrides, arguments.command);
        return;
    }
    if (!newestCheckpoint(folder).empty()) {
        fail(Failure::BadArgument, "folder \"" + folder +
                                       "\" (run.out) already holds checkpoints; `hyperpred_train "
                                       "resume " +
                                       folder + "` goes on with them, or name another folder");
    }
    runStage(arguments.command, settings, nullptr);
}

void exportRun(const Arguments& arguments) {
    if (arguments.subject.empty()) throw WrongUse{"export needs a checkpoint or a folder"};
    if (arguments.out.empty() && arguments.golden.empty()) throw WrongUse{"export needs --out or --golden"};
    TrainState state = loadCheckpoint(arguments.subject);
    if (!arguments.out.empty()) exportModel(state, arguments.out, arguments.raw);
    if (!arguments.golden.empty()) exportGolden(state, arguments.golden, arguments.raw);
}

void refine(const Arguments& arguments) {
    if (arguments.subject.empty() || arguments.data.empty() || arguments.out.empty()) {
        throw WrongUse{"refine needs a model file, a packed file and --out"};
    }
    const Settings settings = refineSettings(arguments.subject, arguments.data, arguments.out, arguments.overrides);
    runStage("base", settings, nullptr);
    TrainState state = loadCheckpoint(settings.word("run.out"));
    exportModel(state, arguments.out, false);
}

void pack(const Arguments& arguments) {
#ifdef HYPERPRED_WITH_PACK
    if (arguments.subject.empty() || arguments.out.empty() || arguments.size == 0) {
        throw WrongUse{"pack needs a folder or list, --size and --out"};
    }
    packImages(arguments.subject, arguments.size, arguments.out, arguments.strict);
#else
    fail(Failure::Unsupported, "\"" + arguments.command + "\": this hyperpred_train was built without OpenCV");
#endif
}

void listKeys() {
    for (const NumberSetting& setting : numberSettings()) {
        std::printf("%-24s %-10g %g..%g  %s\n", setting.key, setting.fallback, setting.lowest, setting.highest,
                    setting.meaning);
    }
    for (const WordSetting& setting : wordSettings()) {
        std::string allowed;
        for (const std::string& word : setting.allowed) allowed += (allowed.empty() ? "" : "|") + word;
        std::printf("%-24s %-10s %s  %s\n", setting.key, setting.fallback, allowed.c_str(), setting.meaning);
    }
}

void runCommand(const Arguments& arguments) {
    if (arguments.help) {
        std::printf("%s", helpText(*findCommand(programPage(false), arguments.command)).c_str());
    } else if (arguments.command == "base" || arguments.command == "meta") {
        startRun(arguments);
    } else if (arguments.command == "resume") {
        if (arguments.subject.empty()) throw WrongUse{"resume needs a checkpoint or a folder"};
        resumeRun(arguments.subject, arguments.overrides, "");
    } else if (arguments.command == "export") {
        exportRun(arguments);
    } else if (arguments.command == "refine") {
        refine(arguments);
    } else if (arguments.command == "pack") {
        pack(arguments);
    } else {
        listKeys();
    }
}

// A step allocates and frees the same large blocks every time. By default glibc maps them anew, and the kernel clears
// every page again: half of a step of convnet3 (doc/experiments.md).
void keepFreedMemory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 256 << 20);
#endif
}

}  // namespace

int main(int count, char** values) {
    keepFreedMemory();
    const std::string name = count > 1 ? values[1] : "";
    if (name == "--version") {
        std::printf("hyperpred_train %s, libtorch %s\n", kVersion, TORCH_VERSION);
        return 0;
    }
    if (name == "help" || name == "--help" || name == "-h") {
        const std::vector<std::string> rest(values + 2, values + count);
        return runHelp(programPage(!rest.empty() && rest[0] == "--man"), rest);
    }
    try {
        runCommand(parseArguments(count, values));
        return 0;
    } catch (const Stopped&) {
        return 3;
    } catch (const WrongUse& use) {
        std::fprintf(stderr, "hyperpred_train: %s (hyperpred_train --help explains the use)\n", use.sentence.c_str());
        return 2;
#ifdef HYPERPRED_WITH_PACK
    } catch (const cv::Exception& error) {  // the sentence alone, without OpenCV's frame around it
        std::fprintf(stderr, "hyperpred_train: %s\n", error.err.c_str());
#endif
    } catch (const c10::Error& error) {
        std::fprintf(stderr, "hyperpred_train: libtorch: %s\n", error.what_without_backtrace());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hyperpred_train: %s\n", error.what());
    }
    return 1;
}
