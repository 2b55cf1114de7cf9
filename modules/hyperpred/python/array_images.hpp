// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_PYTHON_ARRAY_IMAGES_HPP
#define HYPERPRED_PYTHON_ARRAY_IMAGES_HPP

#include <pybind11/numpy.h>

#include <opencv2/core.hpp>
#include <vector>

namespace cv {
namespace hyperpred {

// Images of numpy: headers on their own pixels, and what keeps those pixels alive.
struct ArrayImages {
    std::vector<cv::Mat> mats;
    std::vector<pybind11::array> owners;
};

// An iterable of arrays rows x columns or rows x columns x 1, 3 or 4, or one array images x rows x columns x channels,
// of uint8, uint16, float32 or float64. Pixels are copied only where a row's do not lie one behind the other, or in the
// other byte order. Throws cv::Exception (StsBadArg) with a sentence that names the image.
ArrayImages toMats(const pybind11::object& images);

// A sequence or a one-dimensional array of integers.
std::vector<int> toLabels(const pybind11::object& labels);

}  // namespace hyperpred
}  // namespace cv

#endif
