// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "pack.hpp"

#include <cstdio>

#include "error.hpp"
#include "images.hpp"
#include "packed_data.hpp"
#include "support_list.hpp"

namespace cv {
namespace hyperpred {

void packImages(const std::string& folderOrCsv, int size, const std::string& out, bool strict) {
    if (size < 8 || size > 1024) {
        fail(Failure::BadArgument, "--size is " + std::to_string(size) + ", must be 8..1024");
    }
    const LabelledFiles list = listLabelledFiles(folderOrCsv, strict);
    for (const std::string& sentence : list.skipped) std::fprintf(stderr, "skipped: %s\n", sentence.c_str());
    const size_t bytes = size_t(size) * size_t(size) * 3;
    std::vector<unsigned char> pixels(list.files.size() * bytes);
    std::vector<int> labels;
    for (size_t i = 0; i < list.files.size(); ++i) {
        convertImage(readImage(list.files[i].path), size, list.files[i].path, pixels.data() + i * bytes);
        labels.push_back(list.files[i].label);
    }
    writePackedFile(out, size, list.classNames, labels, pixels);
    std::printf("%s: %zu images of %zu classes, %d x %d pixels\n", out.c_str(), list.files.size(),
                list.classNames.size(), size, size);
}

}  // namespace hyperpred
}  // namespace cv
