// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "image_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>

#include "images.hpp"

namespace cv {
namespace hyperpred {

namespace {

const size_t kBatchFiles = 64;             // files decoded at once
const size_t kBatchBytes = size_t(64) << 20;  // a batch is handed on early when its pixels reach this

struct Loaded {
    cv::Mat image;
    std::string error;
};

std::vector<Loaded> readFiles(const std::vector<LabelledFile>& files, size_t first, size_t count) {
    std::vector<Loaded> loaded(count);
    cv::parallel_for_(cv::Range(0, int(count)), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
            Loaded& slot = loaded[size_t(i)];
            try {
                slot.image = readImage(files[first + size_t(i)].path);
            } catch (const cv::Exception& error) {
                slot.error = error.err;
            } catch (const std::exception& error) {
                slot.error = files[first + size_t(i)].path + ": " + error.what();
            }
        }
    });
    return loaded;
}

}  // namespace

void forEachBatch(const std::vector<LabelledFile>& files, bool strict, std::vector<std::string>& skipped,
                  const std::function<void(const LabelledBatch&)>& visit) {
    const size_t atOnce = size_t(std::max(1, cv::getNumThreads())) * 2;
    LabelledBatch batch;
    size_t bytes = 0;
    const auto handOn = [&] {
        if (!batch.images.empty()) visit(batch);
        batch = LabelledBatch();
        bytes = 0;
    };
    for (size_t first = 0; first < files.size(); first += atOnce) {
        std::vector<Loaded> loaded = readFiles(files, first, std::min(atOnce, files.size() - first));
        for (size_t i = 0; i < loaded.size(); ++i) {
            if (!loaded[i].error.empty()) {
                if (strict) CV_Error(cv::Error::StsBadArg, loaded[i].error);
                skipped.push_back(loaded[i].error);
                continue;
            }
            bytes += loaded[i].image.total() * loaded[i].image.elemSize();
            batch.images.push_back(std::move(loaded[i].image));
            batch.labels.push_back(files[first + i].label);
            batch.paths.push_back(files[first + i].path);
            batch.positions.push_back(first + i);
        }
        if (batch.images.size() >= kBatchFiles || bytes >= kBatchBytes) handOn();
    }
    handOn();
}

void reportSkipped(const std::vector<std::string>& skipped) {
    const size_t shown = std::min(skipped.size(), size_t(10));
    for (size_t i = 0; i < shown; ++i) std::cerr << "skipped: " << skipped[i] << "\n";
    if (skipped.size() > shown) std::cerr << "skipped: " << skipped.size() - shown << " more\n";
}

void showProgress(const std::string& stage, double done) {
    if (isatty(STDERR_FILENO) == 0) return;
    std::cerr << "\r\033[K" << stage << " " << int(done * 100) << " %" << std::flush;
}

void endProgress() {
    if (isatty(STDERR_FILENO) != 0) std::cerr << "\r\033[K" << std::flush;
}

}  // namespace hyperpred
}  // namespace cv
