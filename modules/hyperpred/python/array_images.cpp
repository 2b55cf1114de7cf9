// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "array_images.hpp"

#include <limits>
#include <string>

namespace py = pybind11;

namespace cv {
namespace hyperpred {

namespace {

[[noreturn]] void refuse(const std::string& sentence) {
    CV_Error(cv::Error::StsBadArg, sentence);
}

std::string typeName(const py::handle& object) {
    return py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>();
}

// A string is iterable too, but never meant so.
bool isList(const py::object& object) {
    return py::hasattr(object, "__iter__") && !py::isinstance<py::str>(object) && !py::isinstance<py::bytes>(object);
}

std::string shapeOf(const py::array& array) {
    std::string text;
    for (py::ssize_t d = 0; d < array.ndim(); ++d) text += (d > 0 ? " x " : "") + std::to_string(array.shape(d));
    return array.ndim() == 0 ? "no dimensions" : text;
}

int depthOf(const py::array& array, const std::string& where) {
    const char kind = array.dtype().kind();
    const py::ssize_t bytes = array.itemsize();
    if (kind == 'u' && bytes == 1) return CV_8U;
    if (kind == 'u' && bytes == 2) return CV_16U;
    if (kind == 'f' && bytes == 4) return CV_32F;
    if (kind == 'f' && bytes == 8) return CV_64F;
    refuse(where + ": an array of " + py::str(array.dtype()).cast<std::string>() +
           "; uint8, uint16, or float32 or float64 in 0..1 are expected");
}

// Whether cv::Mat can lie on the array: pixels of a row one behind the other, rows ascending, all aligned.
bool fitsMat(const py::array& array, py::ssize_t channels) {
    const py::ssize_t item = array.itemsize(), pixel = item * channels, rowBytes = pixel * array.shape(1);
    const bool native = array.dtype().attr("isnative").cast<bool>();
    const bool aligned = array.attr("flags").attr("aligned").cast<bool>();
    const bool channelsPacked = channels == 1 || array.strides(2) == item;
    const bool pixelsPacked = array.shape(1) == 1 || array.strides(1) == pixel;
    const bool rowsAscend = array.shape(0) == 1 || (array.strides(0) >= rowBytes && array.strides(0) % item == 0);
    return native && aligned && channelsPacked && pixelsPacked && rowsAscend;
}

void append(const py::array& array, const std::string& where, ArrayImages& result) {
    const int depth = depthOf(array, where);
    const py::ssize_t dims = array.ndim(), channels = dims == 3 ? array.shape(2) : 1;
    if ((dims != 2 && dims != 3) || (channels != 1 && channels != 3 && channels != 4)) {
        refuse(where + ": an array of " + shapeOf(array) +
               "; rows x columns (grey) or rows x columns x 1 (grey), 3 (BGR) or 4 (BGRA) is expected");
    }
    if (array.size() == 0) {
        refuse(where + ": an array of " + shapeOf(array) + "; at least 1 x 1 pixels are expected");
    }
    if (array.shape(0) > std::numeric_limits<int>::max() || array.shape(1) > std::numeric_limits<int>::max()) {
        refuse(where + ": an array of " + shapeOf(array) + "; rows and columns must be below 2^31");
    }
    py::array packed = array;
    if (!fitsMat(array, channels)) {
        const py::object native = array.dtype().attr("newbyteorder")("=");
        packed = py::module_::import("numpy").attr("array")(array, native, py::arg("order") = "C");
    }
    const size_t step = packed.shape(0) == 1 ? size_t(cv::Mat::AUTO_STEP) : size_t(packed.strides(0));
    // Mat takes no pointer to const; nothing below writes through it.
    result.mats.emplace_back(int(packed.shape(0)), int(packed.shape(1)), CV_MAKETYPE(depth, int(channels)),
                             const_cast<void*>(packed.data()), step);
    result.owners.push_back(std::move(packed));
}

int toLabel(const py::handle& value, size_t image) {
    const std::string where = "labels: that of image " + std::to_string(image);
    if (PyBool_Check(value.ptr()) != 0 || PyIndex_Check(value.ptr()) == 0) {
        refuse(where + " is a " + typeName(value) + "; integers from 0 are expected");
    }
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    if (!number) throw py::error_already_set();
    int overflow = 0;
    const long long label = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow != 0 || label < std::numeric_limits<int>::min() || label > std::numeric_limits<int>::max()) {
        refuse(where + " is " + py::str(number).cast<std::string>() + "; integers from 0 are expected");
    }
    return int(label);
}

}  // namespace

ArrayImages toMats(const py::object& images) {
    ArrayImages result;
    if (py::isinstance<py::array>(images)) {
        const auto batch = py::reinterpret_borrow<py::array>(images);
        if (batch.ndim() != 4) {
            refuse("images: an array of " + shapeOf(batch) +
                   "; a list of arrays, or one array images x rows x columns x channels, is expected");
        }
    } else if (!isList(images)) {
        refuse("images: a " + typeName(images) + "; a list of numpy arrays is expected");
    }
    for (const py::handle item : images) {
        const std::string where = "image " + std::to_string(result.mats.size());
        if (!py::isinstance<py::array>(item)) {
            refuse(where + ": a " + typeName(item) + "; a numpy array is expected, with colours in the order BGR");
        }
        append(py::reinterpret_borrow<py::array>(item), where, result);
    }
    return result;
}

std::vector<int> toLabels(const py::object& labels) {
    if (py::isinstance<py::array>(labels)) {
        const auto array = py::reinterpret_borrow<py::array>(labels);
        const char kind = array.dtype().kind();
        if (array.ndim() != 1 || (array.size() > 0 && kind != 'i' && kind != 'u')) {
            refuse("labels: an array of " + shapeOf(array) + " of " + py::str(array.dtype()).cast<std::string>() +
                   "; one dimension of integers is expected");
        }
    } else if (!isList(labels)) {
        refuse("labels: a " + typeName(labels) + "; a list or an array of integers is expected");
    }
    std::vector<int> result;
    for (const py::handle item : labels) result.push_back(toLabel(item, result.size()));
    return result;
}

}  // namespace hyperpred
}  // namespace cv
