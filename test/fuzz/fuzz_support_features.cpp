// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "memory_file.hpp"
#include "support_features.hpp"

using namespace cv::hyperpred;

// Any bytes are a support file whose parts fit together and that survives writing, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<uint8_t> bytes(data, data + size);
    setChecksum(bytes);
    const std::string path = fileOf(bytes);
    SupportFeatures support;
    try {
        support = readSupportFeatures(path);
    } catch (const cv::Exception& error) {
        checkRefusal(error, path);
        return 0;
    }
    const size_t images = support.labels.size();
    if (support.hashes.size() != images || support.rows.size() != images * size_t(support.columns)) {
        finding("parts of different lengths");
    }
    for (const int label : support.labels) {
        if (label < 0 || size_t(label) >= support.classNames.size()) finding("a label outside the classes");
    }
    const SupportFeatures again = readSupportFeatures(fileOf(supportFileBytes("again.support", support)));
    if (again.classNames != support.classNames || again.labels != support.labels || again.hashes != support.hashes ||
        again.rows != support.rows || again.body != support.body) {
        finding("changed by writing");
    }
    return 0;
}
