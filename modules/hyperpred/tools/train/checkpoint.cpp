// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "checkpoint.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "atomic_file.hpp"
#include "error.hpp"
#include "model_file.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

const char kFormat[] = "hyperpred-checkpoint-1";
const char kPrefix[] = "checkpoint-", kSuffix[] = ".pt";
const size_t kKept = 2;

[[noreturn]] void refuse(const std::string& path, const std::string& sentence) {
    fail(Failure::BadFile, "checkpoint \"" + path + "\": " + sentence);
}

// The archive is a list of tensors; the first one is this JSON text, which names the others.
torch::Tensor textTensor(const std::string& text) {
    torch::Tensor bytes = torch::empty({int64_t(text.size())}, torch::kByte);
    std::memcpy(bytes.data_ptr(), text.data(), text.size());
    return bytes;
}

std::string tensorText(const torch::Tensor& bytes) {
    return std::string(static_cast<const char*>(bytes.data_ptr()), size_t(bytes.numel()));
}

void putNamed(const Named& tensors, Json& names, std::vector<torch::Tensor>& list) {
    names = Json::array();
    for (const auto& entry : tensors) {
        names.push_back(entry.first);
        list.push_back(entry.second.detach().to(torch::kCPU));
    }
}

// Convolution kernels train in channels-last order; an archive does not promise to keep it.
torch::Tensor laidOut(const torch::Tensor& tensor) {
    return tensor.dim() == 4 ? tensor.contiguous(torch::MemoryFormat::ChannelsLast) : tensor;
}

Named takeNamed(const Json& names, const std::vector<torch::Tensor>& list, size_t& next) {
    Named tensors;
    for (const Json& name : names) tensors[name.get<std::string>()] = laidOut(list.at(next++));
    return tensors;
}

std::vector<std::string> checkpointsOf(const std::string& folder) {
    std::vector<std::string> paths;
    std::error_code failure;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
        const std::string name = entry.path().filename().string();
        const bool fits = name.size() > sizeof kPrefix + sizeof kSuffix - 2 &&
                          name.compare(0, sizeof kPrefix - 1, kPrefix) == 0 &&
                          name.compare(name.size() - (sizeof kSuffix - 1), sizeof kSuffix - 1, kSuffix) == 0;
        if (fits) paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());  // steps are written with leading zeros
    return paths;
}

std::vector<torch::Tensor> readTensors(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, "checkpoint \"" + path + "\": cannot be opened");
    std::vector<torch::Tensor> list;
    try {
        torch::load(list, in);
    } catch (const std::exception&) {
        refuse(path, "is damaged or is no checkpoint of hyperpred_train");
    }
    if (list.empty() || list[0].scalar_type() != torch::kByte) refuse(path, "is no checkpoint of hyperpred_train");
    return list;
}

// The step in a checkpoint's name.
int64_t stepOf(const std::string& path) {
    return std::strtoll(fs::path(path).filename().string().c_str() + sizeof kPrefix - 1, nullptr, 10);
}

Named namedBase(const Named& from) {
    Named base;
    for (const auto& entry : from) {
        const bool wanted = entry.first.compare(0, 5, "base.") == 0 || entry.first.compare(0, 11, "classifier.") == 0;
        if (wanted) base[entry.first] = entry.second;
    }
    return base;
}

}  // namespace

void TrainState::moveTo(const torch::Device& device) {
    for (Named* tensors : {&parameters, &average, &optimiser}) {
        for (auto& entry : *tensors) entry.second = laidOut(entry.second.detach().to(device));
    }
}

void saveCheckpoint(const std::string& folder, const TrainState& state) {
    Json header = {{"format", kFormat},        {"stage", state.stage},       {"settings", state.settings},
                   {"step", state.step},       {"images", state.images},     {"seconds", state.seconds},
                   {"summary", state.summary}, {"classes", state.classNames}};
    std::vector<torch::Tensor> list(1);
    putNamed(state.parameters, header["parameters"], list);
    putNamed(state.average, header["average"], list);
    putNamed(state.optimiser, header["optimiser"], list);
    list.push_back(state.chance);
    list[0] = textTensor(header.dump(-1, ' ', false, Json::error_handler_t::replace));
    char name[64];
    std::snprintf(name, sizeof name, "%s%010lld%s", kPrefix, static_cast<long long>(state.step), kSuffix);
    writeAtomically((fs::path(folder) / name).string(), [&](std::ostream& out) { torch::save(list, out); });
    std::vector<std::string> all = checkpointsOf(folder);
    for (size_t i = 0; i + kKept < all.size(); ++i) fs::remove(all[i]);
}

std::string newestCheckpoint(const std::string& folder) {
    const std::vector<std::string> all = checkpointsOf(folder);
    return all.empty() ? "" : all.back();
}

void requireResumable(const TrainState& state, const std::vector<std::string>& classNames, const std::string& folder) {
    if (state.classNames != classNames) {
        fail(Failure::BadFile, "the checkpoint was trained on other classes than the configuration selects");
    }
    const std::string newest = newestCheckpoint(folder);
    if (newest.empty() || stepOf(newest) <= state.step) return;
    fail(Failure::BadArgument, "\"" + newest + "\" is later than step " + std::to_string(state.step) +
                                   ", which is to go on: move it away, or name another folder with --set run.out=");
}

TrainState loadCheckpoint(const std::string& path) {
    std::string file = path;
    if (fs::is_directory(path)) {
        file = newestCheckpoint(path);
        if (file.empty()) fail(Failure::NotFound, "folder \"" + path + "\" holds no checkpoint-STEP.pt");
    }
    const std::vector<torch::Tensor> list = readTensors(file);
    TrainState state;
    try {
        const Json header = Json::parse(tensorText(list[0]));
        if (header.at("format") != kFormat) refuse(file, "its format is not " + std::string(kFormat));
        state.stage = header.at("stage").get<std::string>();
        state.settings = header.at("settings").get<std::string>();
        state.summary = header.at("summary").get<std::string>();
        state.classNames = header.at("classes").get<std::vector<std::string>>();
        state.step = header.at("step").get<int64_t>();
        state.images = header.at("images").get<int64_t>();
        state.seconds = header.at("seconds").get<double>();
        size_t next = 1;
        state.parameters = takeNamed(header.at("parameters"), list, next);
        state.average = takeNamed(header.at("average"), list, next);
        state.optimiser = takeNamed(header.at("optimiser"), list, next);
        state.chance = list.at(next);
    } catch (const Json::exception& error) {
        refuse(file, std::string("its header cannot be read: ") + error.what());
    } catch (const std::out_of_range&) {
        refuse(file, "holds fewer tensors than its header names");
    }
    return state;
}

StartWeights readStartWeights(const std::string& path, const Architecture& architecture) {
    StartWeights start;
    const std::string ending = ".safetensors";
    if (path.size() > ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0) {
        const ModelFile file = ModelFile::open(path);
        for (const auto& entry : file.entries()) {
            if (entry.first.compare(0, 5, "base.") != 0) continue;
            const auto tensor = file.read(entry.first, entry.second.shape);
            start.parameters[entry.first] = laidOut(torch::tensor(tensor.values).view(tensor.shape));
        }
    } else {
        TrainState state = loadCheckpoint(path);
        start.parameters = namedBase(state.average);
        start.classNames = state.classNames;
        start.summary = state.summary;
    }
    torch::Generator chance = torch::make_generator<at::CPUGeneratorImpl>(uint64_t(0));
    for (const auto& expected : initialBase(architecture, chance)) {
        const auto found = start.parameters.find(expected.first);
        if (found == start.parameters.end() || found->second.sizes() != expected.second.sizes()) {
            fail(Failure::BadFile, "\"" + path + "\": its tensor \"" + expected.first +
                                       "\" is missing or does not fit architecture \"" + architecture.name + "\"");
        }
    }
    return start;
}

}  // namespace hyperpred
}  // namespace cv
