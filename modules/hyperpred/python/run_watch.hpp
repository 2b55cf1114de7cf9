// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_PYTHON_RUN_WATCH_HPP
#define HYPERPRED_PYTHON_RUN_WATCH_HPP

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>

namespace cv {
namespace hyperpred {

// Asks Python at each step of a run whether it goes on: Ctrl-C and the caller's progress function may end it. What
// Python raised must not travel through the library's frames without the GIL, so it waits here. Made, read and
// destroyed with the GIL held; goesOn() takes it.
class RunWatch {
public:
    explicit RunWatch(pybind11::object progress) : progress_(std::move(progress)) {}

    bool goesOn(const std::string& stage, double done) {
        pybind11::gil_scoped_acquire gil;
        try {
            if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
            if (progress_.is_none()) return true;
            const pybind11::object answer = progress_(stage, done);
            cancelled_ = !answer.is_none() && !answer.cast<bool>();
            return !cancelled_;
        } catch (const pybind11::error_already_set& error) {
            raised_ = std::make_unique<pybind11::error_already_set>(error);
        } catch (const pybind11::cast_error&) {
            PyErr_SetString(PyExc_TypeError, "progress: False to cancel, True or None to go on are expected");
            raised_ = std::make_unique<pybind11::error_already_set>();
        }
        return false;
    }

    bool cancelled() const { return cancelled_; }
    void raiseWhatWaits() const {
        if (raised_) throw pybind11::error_already_set(*raised_);
    }

private:
    pybind11::object progress_;
    std::unique_ptr<pybind11::error_already_set> raised_;
    bool cancelled_ = false;
};

}  // namespace hyperpred
}  // namespace cv

#endif
