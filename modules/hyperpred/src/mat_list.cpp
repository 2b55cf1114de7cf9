// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "mat_list.hpp"

#include <opencv2/core/cuda.hpp>
#include <string>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

// Images in a GPU's memory come to the host first: conversion, resize and the content hash must not depend on where
// they were.
std::vector<cv::Mat> download(InputArrayOfArrays images) {
    if (cv::cuda::getCudaEnabledDeviceCount() < 1) {
        fail(Failure::Unsupported,
             "images: GpuMat, but this OpenCV has no CUDA or no device answers; Mat or UMat is expected");
    }
    std::vector<cv::cuda::GpuMat> there;
    if (images.isGpuMatVector()) {
        images.getGpuMatVector(there);
    } else if (!images.empty()) {
        there.push_back(images.getGpuMat());
    }
    std::vector<cv::Mat> mats(there.size());
    for (size_t i = 0; i < there.size(); ++i) {
        if (!there[i].empty()) there[i].download(mats[i]);
    }
    return mats;
}

}  // namespace

std::vector<cv::Mat> toMats(InputArrayOfArrays images) {
    std::vector<cv::Mat> mats;
    if (images.isGpuMat() || images.isGpuMatVector()) return download(images);
    if (images.empty() && !images.isMatVector() && !images.isUMatVector()) return mats;
    if (images.isMat() || images.isUMat()) {
        mats.push_back(images.getMat());
    } else if (images.isMatVector() || images.isUMatVector() || images.kind() == _InputArray::STD_ARRAY_MAT) {
        const int count = int(images.total());
        for (int i = 0; i < count; ++i) mats.push_back(images.getMat(i));
    } else {
        fail(Failure::BadArgument, "images: a vector of Mat, UMat or GpuMat (or one of them) is expected");
    }
    return mats;
}

std::vector<int> toLabels(InputArray labels) {
    if (labels.empty()) return {};
    const cv::Mat mat = labels.getMat();
    if (mat.channels() != 1 || mat.depth() > CV_32S || mat.dims > 2 || (mat.rows != 1 && mat.cols != 1)) {
        fail(Failure::BadArgument, "labels: one row or column of integers is expected, got " +
                                       std::to_string(mat.rows) + " x " + std::to_string(mat.cols) + " of " +
                                       cv::typeToString(mat.type()));
    }
    cv::Mat integers;
    mat.convertTo(integers, CV_32S);
    integers = integers.clone().reshape(1, 1);
    return std::vector<int>(integers.ptr<int>(), integers.ptr<int>() + integers.total());
}

}  // namespace hyperpred
}  // namespace cv
