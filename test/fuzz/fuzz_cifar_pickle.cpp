// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <set>

#include "cifar_pickle.hpp"
#include "refusal.hpp"

using namespace cv::hyperpred;

namespace {

// Each value once, however they hold each other: every one must still be there, and its text within the bytes.
void visit(const Pickled* root, std::string_view bytes) {
    std::set<const Pickled*> seen{root};
    std::vector<const Pickled*> waiting{root};
    const auto meet = [&](const Pickled* value) {
        if (seen.insert(value).second) waiting.push_back(value);
    };
    while (!waiting.empty()) {
        const Pickled* value = waiting.back();
        waiting.pop_back();
        if (!value->text.empty() &&
            (value->text.data() < bytes.data() || value->text.end() > bytes.data() + bytes.size())) {
            finding("text outside the bytes");
        }
        for (const Pickled* item : value->items) meet(item);
        for (const auto& entry : value->entries) {
            meet(entry.first);
            meet(entry.second);
        }
    }
}

}  // namespace

// Any bytes are plain data whose every value outlives the reading, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        const auto root = parsePickle(bytes, "fuzz.pickle");
        visit(root.get(), bytes);
        root->find("data");
    } catch (const cv::Exception& error) {
        checkRefusal(error, "fuzz.pickle");
    }
    return 0;
}
