// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "refine.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "atomic_file.hpp"
#include "checkpoint.hpp"
#include "error.hpp"
#include "model_file.hpp"
#include "packed_data.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

const char* const kEnding = ".safetensors";

std::string runFolder(const std::string& out) {
    const size_t length = std::char_traits<char>::length(kEnding);
    const bool ends = out.size() > length && out.compare(out.size() - length, length, kEnding) == 0;
    return out.substr(0, ends ? out.size() - length : out.size()) + ".run";
}

// Few images make small batches, so that an epoch still has some steps.
int batchFor(int64_t images) {
    int batch = 64;
    while (batch > 8 && images < 8 * batch) batch /= 2;
    return int(std::max<int64_t>(2, std::min<int64_t>(batch, images)));
}

// Steps are small and the first classifier is a good one: the start is meant to be kept. The images are those of the
// task, so no transform changes what they are.
Json baseSection(const std::string& start, int64_t images) {
    return {{"init", start}, {"classifier", "means"}, {"epochs", 5},     {"batch", batchFor(images)},
            {"lr", 0.02},    {"warmup_epochs", 0.5},  {"transform", 0},  {"cutmix", 0.5},
            {"ema", 0.99},   {"validate_every", 1},   {"scale_low", 0.8}};
}

}  // namespace

Settings refineSettings(const std::string& start, const std::string& packed, const std::string& out,
                        const std::vector<std::string>& overrides) {
    const std::string architecture = ModelFile::open(start).metadata("architecture");
    const std::string folder = runFolder(out), document = folder + "/architecture.json";
    const Json configuration = {{"architecture", document},
                                {"data", {{{"file", packed}, {"name", "support"}}}},
                                {"base", baseSection(start, readPackedFile(packed).labels.numel())},
                                {"run", {{"out", folder}}}};
    const Settings settings = parseSettings(configuration.dump(), "refine", overrides);
    if (settings.word("base.init") != start || settings.architectureFile != document) {
        fail(Failure::BadArgument, "refine: base.init and architecture follow from \"" + start + "\"");
    }
    const std::string& run = settings.word("run.out");
    if (!newestCheckpoint(run).empty()) {
        fail(Failure::BadArgument, "folder \"" + run + "\" already holds checkpoints; `hyperpred_train resume " + run +
                                       "` and `hyperpred_train export " + run + " --out " + out +
                                       "` go on with them, or name another --out");
    }
    std::filesystem::create_directories(folder);
    writeAtomically(document, [&](std::ostream& file) { file << architecture; });
    return settings;
}

}  // namespace hyperpred
}  // namespace cv
