// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "labelled_images.hpp"

#include <algorithm>
#include <map>

#include "image_source.hpp"
#include "images.hpp"
#include "support_list.hpp"

namespace cv {
namespace hyperpred {

namespace {

const int kAddBatch = 256;  // images handed to a support set at once

}  // namespace

cv::Mat LabelledImages::image(int index) const {
    return cv::Mat(size, size, CV_8UC3, const_cast<uint8_t*>(pixels.data() + size_t(index) * imageBytes()));
}

LabelledImages readLabelledImages(const std::string& folder, const ClassChoice& choice, int size, int most) {
    const LabelledFiles listed = listLabelledFiles(folder, true);
    LabelledImages images;
    images.size = size;
    std::map<int, int> newLabel;
    for (int c = 0; c < int(listed.classNames.size()); ++c) {
        if (!choice.takes(c)) continue;
        newLabel[c] = int(images.classNames.size());
        images.classNames.push_back(listed.classNames[size_t(c)]);
    }
    std::vector<LabelledFile> files;
    std::map<int, int> taken;
    for (const LabelledFile& file : listed.files) {
        if (newLabel.count(file.label) > 0 && taken[file.label]++ < most) files.push_back(file);
    }
    images.pixels.resize(files.size() * images.imageBytes());
    std::vector<std::string> skipped;
    forEachBatch(files, true, skipped, [&](const LabelledBatch& batch) {
        const int first = images.count();
        for (const int label : batch.labels) images.labels.push_back(newLabel.at(label));
        cv::parallel_for_(cv::Range(0, int(batch.images.size())), [&](const cv::Range& range) {
            for (int i = range.start; i < range.end; ++i) {
                convertImage(batch.images[size_t(i)], size, batch.paths[size_t(i)],
                             images.pixels.data() + size_t(first + i) * images.imageBytes());
            }
        });
    });
    return images;
}

LabelledImages drawImages(const LabelledImages& images, int each, uint64_t draw) {
    std::vector<std::vector<int>> byClass(images.classNames.size());
    for (int i = 0; i < images.count(); ++i) byClass[size_t(images.labels[size_t(i)])].push_back(i);
    LabelledImages drawn;
    drawn.size = images.size;
    drawn.classNames = images.classNames;
    cv::RNG chance(draw * 1000003u + 17u);
    for (size_t c = 0; c < byClass.size(); ++c) {
        std::vector<int>& places = byClass[c];
        for (size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[size_t(chance.uniform(0, int(i)))]);
        places.resize(std::min(places.size(), size_t(each)));
        for (const int place : places) {
            const uint8_t* from = images.pixels.data() + size_t(place) * images.imageBytes();
            drawn.pixels.insert(drawn.pixels.end(), from, from + images.imageBytes());
            drawn.labels.push_back(int(c));
        }
    }
    return drawn;
}

SupportSet supportSetOf(const LabelledImages& images) {
    SupportSet set(images.size);
    for (int first = 0; first < images.count(); first += kAddBatch) {
        std::vector<cv::Mat> batch;
        std::vector<int> labels;
        for (int i = first; i < std::min(images.count(), first + kAddBatch); ++i) {
            batch.push_back(images.image(i));
            labels.push_back(images.labels[size_t(i)]);
        }
        set.add(batch, labels);
    }
    return set;
}

}  // namespace hyperpred
}  // namespace cv
