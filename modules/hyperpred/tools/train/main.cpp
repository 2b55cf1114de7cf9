// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <torch/torch.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base_stage.hpp"
#include "checkpoint.hpp"
#include "error.hpp"
#include "export_model.hpp"
#include "meta_stage.hpp"
#include "refine.hpp"
#include "settings.hpp"
#ifdef HYPERPRED_WITH_PACK
#include "pack.hpp"
#endif

namespace {

using namespace cv::hyperpred;

const char kUsage[] =
    "hyperpred_train - meta-trains the hypernetwork that hyperpred predicts with\n"
    "\n"
    "  hyperpred_train pack FOLDER|LIST.csv|CIFAR_FILE --size PIXELS --out FILE.pack [--strict]\n"
    "  hyperpred_train base --config FILE [--set section.key=value ...] [--resume]\n"
    "  hyperpred_train meta --config FILE [--set section.key=value ...] [--resume]\n"
    "  hyperpred_train resume FOLDER [--set section.key=value ...]\n"
    "  hyperpred_train refine START.safetensors FILE.pack --out FILE.safetensors [--set section.key=value ...]\n"
    "  hyperpred_train export CHECKPOINT|FOLDER --out FILE.safetensors [--raw] [--golden FILE.safetensors]\n"
    "  hyperpred_train keys\n"
    "\n"
    "base is stage 1, meta stage 2; both write checkpoints, log.csv and curves.png to run.out and may be stopped at "
    "any\n"
    "time by Ctrl-C. `resume` goes on from the newest checkpoint with its own configuration. refine is a short stage 1\n"
    "from the weights that `hyperpred predict --keep-weights` wrote, and its export. `keys` lists every configuration\n"
    "key. Exit: 0 done, 1 it could not be done, 2 wrong use, 3 stopped before its end with a checkpoint.\n";

struct WrongUse {
    std::string sentence;
};

struct Arguments {
    std::string command, subject, data, config, out, golden;
    std::vector<std::string> overrides;
    int size = 0;
    bool resume = false, raw = false, strict = false;
};

Arguments parseArguments(int count, char** values) {
    if (count < 2) throw WrongUse{"a command is missing"};
    Arguments arguments;
    arguments.command = values[1];
    for (int i = 2; i < count; ++i) {
        const std::string word = values[i];
        const auto next = [&]() -> std::string {
            if (i + 1 >= count) throw WrongUse{"option " + word + " needs a value"};
            return values[++i];
        };
        if (word == "--config") {
            arguments.config = next();
        } else if (word == "--set") {
            arguments.overrides.push_back(next());
        } else if (word == "--out") {
            arguments.out = next();
        } else if (word == "--golden") {
            arguments.golden = next();
        } else if (word == "--size") {
            arguments.size = std::atoi(next().c_str());
        } else if (word == "--resume") {
            arguments.resume = true;
        } else if (word == "--raw") {
            arguments.raw = true;
        } else if (word == "--strict") {
            arguments.strict = true;
        } else if (!word.empty() && word[0] != '-' && arguments.subject.empty()) {
            arguments.subject = word;
        } else if (!word.empty() && word[0] != '-' && arguments.command == "refine" && arguments.data.empty()) {
            arguments.data = word;
        } else {
            throw WrongUse{"\"" + word + "\" is not understood"};
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

void resumeRun(const std::string& folder, const std::vector<std::string>& overrides) {
    TrainState state = loadCheckpoint(folder);
    const Settings settings = parseSettings(state.settings, "checkpoint in " + folder, overrides);
    runStage(state.stage, settings, &state);
}

void startRun(const Arguments& arguments) {
    if (arguments.config.empty()) throw WrongUse{"--config FILE is missing"};
    const Settings settings = loadSettings(arguments.config, arguments.overrides);
    const std::string& folder = settings.word("run.out");
    if (arguments.resume) {
        resumeRun(folder, arguments.overrides);
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
    if (arguments.command == "base" || arguments.command == "meta") {
        startRun(arguments);
    } else if (arguments.command == "resume") {
        if (arguments.subject.empty()) throw WrongUse{"resume needs a folder"};
        resumeRun(arguments.subject, arguments.overrides);
    } else if (arguments.command == "export") {
        exportRun(arguments);
    } else if (arguments.command == "refine") {
        refine(arguments);
    } else if (arguments.command == "pack") {
        pack(arguments);
    } else if (arguments.command == "keys") {
        listKeys();
    } else if (arguments.command == "--help" || arguments.command == "help") {
        std::printf("%s", kUsage);
    } else {
        throw WrongUse{"\"" + arguments.command + "\" is no command"};
    }
}

}  // namespace

int main(int count, char** values) {
    try {
        runCommand(parseArguments(count, values));
        return 0;
    } catch (const Stopped&) {
        return 3;
    } catch (const WrongUse& use) {
        std::fprintf(stderr, "hyperpred_train: %s\n\n%s", use.sentence.c_str(), kUsage);
        return 2;
    } catch (const c10::Error& error) {
        std::fprintf(stderr, "hyperpred_train: libtorch: %s\n", error.what_without_backtrace());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hyperpred_train: %s\n", error.what());
    }
    return 1;
}
