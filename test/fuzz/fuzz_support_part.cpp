// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <cstring>

#include "memory_file.hpp"
#include "support_part.hpp"

using namespace cv::hyperpred;

namespace {

bool same(const OpenedPart& a, const OpenedPart& b) {
    const SupportPart &x = a.part, &y = b.part;
    const auto equal = [](const SupportPart::File& p, const SupportPart::File& q) {
        return p.position == q.position && p.label == q.label && p.path == q.path;
    };
    return x.size == y.size && x.number == y.number && x.count == y.count && x.list == y.list &&
           x.classNames == y.classNames && x.skipped == y.skipped && x.leftOut == y.leftOut &&
           std::equal(x.files.begin(), x.files.end(), y.files.begin(), y.files.end(), equal) &&
           std::memcmp(a.pixels, b.pixels, x.files.size() * size_t(x.size) * size_t(x.size) * 3) == 0;
}

// The one part of a list of one is the whole of it.
void checkWhole(const OpenedPart& opened) {
    const WholeSupport whole = putTogether({opened}, opened.part.size);
    if (whole.classNames != opened.part.classNames || whole.images.size() != opened.part.files.size()) {
        finding("a list of one part is not that part");
    }
    for (size_t i = 0; i < whole.labels.size(); ++i) {
        if (whole.labels[i] < 0 || size_t(whole.labels[i]) >= whole.classNames.size()) {
            finding("a label outside the classes");
        }
    }
}

}  // namespace

// Any bytes are a part that survives writing, or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<uint8_t> bytes(data, data + size);
    setChecksum(bytes);
    const std::string path = fileOf(bytes);
    try {
        const OpenedPart opened = openSupportPart(path);
        if (opened.part.count == 1) checkWhole(opened);
        const size_t pixels = opened.part.files.size() * size_t(opened.part.size) * size_t(opened.part.size) * 3;
        static const std::string copy = "/dev/shm/hyperpred_fuzz_part." + std::to_string(::getpid());
        writeSupportPart(copy, opened.part, {opened.pixels, opened.pixels + pixels});
        const OpenedPart again = openSupportPart(copy);
        ::unlink(copy.c_str());
        if (!same(opened, again)) finding("changed by writing");
    } catch (const cv::Exception& error) {
        checkRefusal(error, path);
    }
    return 0;
}
