// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "health.hpp"

#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "cpu/kernels.hpp"
#include "cuda/cuda_backend.hpp"
#include "data_folder.hpp"
#include "hypernetwork.hpp"
#include "quoted_path.hpp"
#include "self_test.hpp"
#include "spool.hpp"
#include "version.hpp"

namespace cv {
namespace hyperpred {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;
using State = Finding::State;

const int kFeatures = 512;             // numbers that OpenCV keeps for processor features
const double kLeastFreeMiB = 64;       // of the temporary folder: 5,000 images of 64 px
const size_t kSpooledBytes = 1 << 16;  // what the check writes there

std::string compiler() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#else
    return "a compiler without a name";
#endif
}

// What the compiler was allowed to assume of every processor; the kernels look for themselves.
std::string assumedProcessor() {
#if defined(__AVX512F__)
    return "AVX-512";
#elif defined(__AVX2__)
    return "AVX2";
#else
    return "any";
#endif
}

Finding versions() {
    return {State::Ok,
            "versions",
            std::string("hyperpred ") + kVersion + ", OpenCV " + cv::getVersionString() + ", " + compiler(),
            {{"hyperpred", kVersion}, {"opencv", std::string(cv::getVersionString())}, {"compiler", compiler()}}};
}

Finding processor() {
    std::string names;
    for (int feature = 1; feature < kFeatures; ++feature) {
        if (!cv::checkHardwareSupport(feature)) continue;
        const std::string name = cv::getHardwareFeatureName(feature);
        if (!name.empty()) names += (names.empty() ? "" : " ") + name;
    }
    const std::string kernels = cpu::kernels().name, assumed = assumedProcessor();
    return {State::Ok,
            "processor",
            "kernels " + kernels + ", the rest is built for " +
                (assumed == "any" ? "any processor of this kind" : "processors with " + assumed) +
                "; features: " + names,
            {{"kernels", kernels}, {"built_for", assumed}, {"features", names}}};
}

// "TBB (ver 2021.8 interface 12080)", from OpenCV's own account of its build.
std::string parallelFramework() {
    const std::string account = cv::getBuildInformation(), key = "Parallel framework:";
    const size_t at = account.find(key);
    if (at == std::string::npos) return "none";
    const size_t begin = account.find_first_not_of(' ', at + key.size());
    return account.substr(begin, account.find('\n', begin) - begin);
}

Finding threads() {
    const std::string framework = parallelFramework();
    const int used = cv::getNumThreads(), cores = cv::getNumberOfCPUs();
    return {State::Ok,
            "threads",
            std::to_string(used) + " on " + std::to_string(cores) + " cores; OpenCV's: " + framework,
            {{"threads", used}, {"cores", cores}, {"framework", framework}}};
}

Finding gpu() {
    const std::string reason = cudaUnavailableReason(0);
    if (reason.empty()) return {State::Ok, "gpu", "CUDA works", {{"cuda", true}}};
    return {
        State::Note, "gpu", "none: " + reason, {{"cuda", false}, {"built", cudaBackendBuilt()}, {"reason", reason}}};
}

Finding data() {
    const std::string folder = dataFolder();
    std::error_code ignored;  // of a name that no folder can have: there is none
    if (fs::is_directory(folder, ignored)) return {State::Ok, "data", quotedPath(folder), {{"folder", folder}}};
    return {State::Failed,
            "data",
            "folder " + quotedPath(folder) +
                " does not exist; HYPERPRED_DATA may name the one that holds models/ and "
                "architectures/",
            {{"folder", folder}}};
}

// Runs `check`, whose exception is the failure.
Finding attempt(const std::string& subject, const Json& given, const std::function<std::string(Json&)>& check) {
    Finding finding;
    finding.subject = subject;
    finding.data = given;
    try {
        finding.sentence = check(finding.data);
    } catch (const cv::Exception& error) {
        finding.state = State::Failed;
        finding.sentence = error.err;
    } catch (const std::exception& error) {
        finding.state = State::Failed;
        finding.sentence = error.what();
    }
    return finding;
}

Finding architecture(const std::string& path) {
    return attempt("architecture", {{"file", path}}, [&](Json& data) {
        const Architecture read = loadArchitecture(path);
        data["name"] = read.name;
        return quotedPath(path) + ": " + std::to_string(read.nodes.size()) + " layers";
    });
}

Finding model(const std::string& path) {
    return attempt("model", {{"file", path}}, [&](Json& data) {
        const ModelFile file = ModelFile::open(path);
        const bool checked = file.metadata().count("checksum") > 0;
        const HyperNetwork hyper = loadHyperNetwork(file);
        data["architecture"] = hyper.architecture.name;
        data["checksum"] = checked ? Json(file.metadata("checksum")) : Json();
        return quotedPath(path) + ": for " + hyper.architecture.name +
               (checked ? ", checksum right" : ", has no checksum");
    });
}

// By the very file that a large support set needs.
Finding temporaryFolder() {
    const std::string folder = Spool::folder();
    return attempt("temporary", {{"folder", folder}}, [&](Json& data) {
        Spool spool(kSpooledBytes, 0);
        const std::vector<uint8_t> record(kSpooledBytes, 7);
        spool.append(record.data());
        const double free = double(fs::space(folder).available) / (1 << 20);
        data["free_mib"] = int64_t(free);
        char text[64];
        std::snprintf(text, sizeof text, "%.1f GiB free", free / 1024);
        if (free < kLeastFreeMiB) {
            throw std::runtime_error(quotedPath(folder) + ": " + std::to_string(int64_t(free)) +
                                     " MiB free, at least " + std::to_string(int64_t(kLeastFreeMiB)) +
                                     " are needed; TMPDIR names another folder");
        }
        return quotedPath(folder) + ": can be written, " + text;
    });
}

Finding selfTest(const std::string& modelFile) {
    if (modelFile.empty()) {
        return {State::Failed, "self-test", "not run: there is no whole model to run it with", Json::object()};
    }
    return attempt("self-test", {{"model", modelFile}}, [&](Json& data) {
        const SelfTest test = runSelfTest(modelFile);
        data["device"] = test.device;
        data["right"] = test.right;
        data["asked"] = test.asked;
        data["seconds"] = test.seconds;
        data["relative_to_reference"] = test.apart;
        std::string why;
        if (!test.passed(why)) throw std::runtime_error(why);
        char text[96];
        std::snprintf(text, sizeof text, "%d of %d drawn figures right, %.1f s", test.right, test.asked, test.seconds);
        return text + (", " + test.device);
    });
}

}  // namespace

std::vector<Finding> examineInstallation() {
    std::vector<Finding> findings = {versions(), processor(), threads(), gpu(), data()};
    for (const std::string& file : dataFiles("architectures", ".json")) findings.push_back(architecture(file));
    std::string whole;  // a model for the self-test: the default one, else the first
    const std::vector<std::string> models = dataFiles("models", ".safetensors");
    for (const std::string& file : models) {
        findings.push_back(model(file));
        if (findings.back().state != State::Ok) continue;
        if (whole.empty() || fs::path(file).stem() == kDefaultModel) whole = file;
    }
    if (models.empty()) {
        const std::string folder = (fs::path(dataFolder()) / "models").string();
        findings.push_back(
            {State::Failed, "model", "no model (.safetensors) in " + quotedPath(folder), {{"file", Json()}}});
    }
    findings.push_back(temporaryFolder());
    findings.push_back(selfTest(whole));
    return findings;
}

}  // namespace hyperpred
}  // namespace cv
