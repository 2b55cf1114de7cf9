// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "pack.hpp"

#include <cstdio>
#include <opencv2/core.hpp>

#include "cifar_files.hpp"
#include "error.hpp"
#include "images.hpp"
#include "packed_data.hpp"
#include "quoted_path.hpp"
#include "support_list.hpp"

namespace cv {
namespace hyperpred {

namespace {

// N images of size x size BGR pixels with the labels they have.
struct Packed {
    std::vector<std::string> classNames;
    std::vector<int> labels;
    std::vector<unsigned char> pixels;
};

Packed convertCifar(const std::vector<std::string>& files, int size) {
    const CifarSet set = readCifar(files);
    const size_t bytes = size_t(size) * size_t(size) * 3, raw = size_t(kCifarEdge) * kCifarEdge * 3;
    Packed packed = {set.classNames, set.labels, std::vector<unsigned char>(set.labels.size() * bytes)};
    for (size_t i = 0; i < set.labels.size(); ++i) {
        const cv::Mat image(kCifarEdge, kCifarEdge, CV_8UC3, const_cast<unsigned char*>(set.pixels.data() + i * raw));
        convertImage(image, size, files.front() + ", image " + std::to_string(i), packed.pixels.data() + i * bytes);
    }
    return packed;
}

void saySkipped(const std::string& sentence) {
    std::fprintf(stderr, "skipped: %s\n", sentence.c_str());
}

// Labels without gaps: a class of which no image could be read is left out.
void closeUpLabels(Packed& packed) {
    std::vector<bool> has(packed.classNames.size(), false);
    for (const int label : packed.labels) has[size_t(label)] = true;
    std::vector<int> place(has.size(), 0);
    std::vector<std::string> names;
    for (size_t c = 0; c < has.size(); ++c) {
        place[c] = int(names.size());
        if (has[c]) names.push_back(packed.classNames[c]);
        if (!has[c]) saySkipped("class " + quotedPath(packed.classNames[c]) + ": no image of it could be read");
    }
    for (int& label : packed.labels) label = place[size_t(label)];
    packed.classNames = names;
}

Packed convertFiles(const std::string& folderOrCsv, int size, bool strict) {
    const LabelledFiles list = listLabelledFiles(folderOrCsv, strict);
    for (const std::string& sentence : list.skipped) saySkipped(sentence);
    const size_t bytes = size_t(size) * size_t(size) * 3;
    Packed packed = {list.classNames, {}, std::vector<unsigned char>(list.files.size() * bytes)};
    for (const LabelledFile& file : list.files) {
        try {
            convertImage(readImage(file.path), size, file.path, packed.pixels.data() + packed.labels.size() * bytes);
            packed.labels.push_back(file.label);
        } catch (const cv::Exception& error) {
            if (strict) throw;
            saySkipped(error.err);
        }
    }
    packed.pixels.resize(packed.labels.size() * bytes);
    closeUpLabels(packed);
    if (packed.labels.empty()) {
        fail(Failure::BadFile, quotedPath(folderOrCsv) + ": none of its " + std::to_string(list.files.size()) +
                                   " image files could be read");
    }
    return packed;
}

}  // namespace

void packImages(const std::string& source, int size, const std::string& out, bool strict) {
    if (size < 8 || size > 1024) {
        fail(Failure::BadArgument, "--size is " + std::to_string(size) + ", must be 8..1024");
    }
    const std::vector<std::string> cifar = cifarFiles(source);
    const Packed packed = cifar.empty() ? convertFiles(source, size, strict) : convertCifar(cifar, size);
    writePackedFile(out, size, packed.classNames, packed.labels, packed.pixels);
    std::printf("%s: %zu images of %zu classes, %d x %d pixels\n", out.c_str(), packed.labels.size(),
                packed.classNames.size(), size, size);
}

}  // namespace hyperpred
}  // namespace cv
