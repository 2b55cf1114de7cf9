// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "architecture.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

// Any text is an architecture that survives writing and reading, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    Architecture architecture;
    try {
        architecture = parseArchitecture(text, "fuzz.json");
    } catch (const cv::Exception& error) {
        checkRefusal(error, "architecture \"fuzz.json\"");
        return 0;
    }
    const std::string written = toJson(architecture);
    if (toJson(parseArchitecture(written, "again.json")) != written) finding("changed by writing: " + written);
    const Cost cost = totalCost(architecture);
    if (cost.flops <= 0 || cost.parameters <= 0 || cost.activations <= 0) finding("a cost of nothing");
    return 0;
}
