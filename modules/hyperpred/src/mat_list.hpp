// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_MAT_LIST_HPP
#define HYPERPRED_MAT_LIST_HPP

#include <opencv2/core.hpp>
#include <vector>

namespace cv {
namespace hyperpred {

// The images of an InputArrayOfArrays (vectors or arrays of Mat, UMat or cuda::GpuMat, or one of them) as headers on
// the same pixels; UMat is mapped or downloaded, GpuMat downloaded. Throws Failure::BadArgument for anything else.
std::vector<cv::Mat> toMats(InputArrayOfArrays images);

// Integer labels of a vector<int> or of a one-row or one-column CV_32S, CV_16S/U or CV_8S/U Mat.
std::vector<int> toLabels(InputArray labels);

}  // namespace hyperpred
}  // namespace cv

#endif
