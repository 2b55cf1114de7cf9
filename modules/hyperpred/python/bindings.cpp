// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
// The extension module hyperpred._hyperpred: the public header in the manner of Python. Names and types as a caller
// sees them are in hyperpred/__init__.pyi; a test compares the two.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <opencv2/hyperpred.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "array_images.hpp"
#include "run_watch.hpp"

namespace py = pybind11;
using namespace pybind11::literals;

namespace cv {
namespace hyperpred {

namespace {

struct Cancelled : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The library's predictor and updater serve one call at a time, and Python code may call them again from another thread
// or from the progress function, because no call holds the GIL while it works. `name` is for the error's sentence.
template <typename Served>
class OneAtATime {
public:
    OneAtATime(Ptr<Served> served, std::string name) : served_(std::move(served)), name_(std::move(name)) {}

    template <typename Work>
    auto alone(Work work) {
        if (busy_.test_and_set()) {
            CV_Error(cv::Error::StsError,
                     "the " + name_ + " is at work in another call; use one " + name_ + " a thread");
        }
        const Leave leave{busy_};
        return work(*served_);
    }

private:
    struct Leave {
        std::atomic_flag& flag;
        ~Leave() { flag.clear(); }
    };
    Ptr<Served> served_;
    std::string name_;
    std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};
using Predictor = OneAtATime<HyperPredictor>;
using Changer = OneAtATime<Updater>;

// str, bytes or os.PathLike, as Python itself hands paths to the system.
std::string toPath(const py::object& path) {
    return py::module_::import("os").attr("fsencode")(path).cast<std::string>();
}

py::object fromJson(const std::string& text) {
    return py::module_::import("json").attr("loads")(text);
}

py::list toList(const std::vector<String>& names) {
    py::list list;
    for (const String& name : names) list.append(py::str(name));
    return list;
}

void add(Predictor& predictor, const py::object& images, const py::object& labels) {
    const ArrayImages arrays = toMats(images);
    const std::vector<int> numbers = toLabels(labels);
    predictor.alone([&](HyperPredictor& hyper) {
        py::gil_scoped_release others;
        hyper.add(arrays.mats, numbers);
    });
}

// What Python raised or answered meanwhile stands above the library's error about it.
template <typename Call>
auto heard(const RunWatch& watch, Call call) {
    try {
        return call();
    } catch (const cv::Exception& error) {
        watch.raiseWhatWaits();
        if (watch.cancelled()) throw Cancelled(error.err);
        throw;
    }
}

std::shared_ptr<Prediction> predict(Predictor& predictor, PredictOptions& options, py::object progress) {
    RunWatch watch(std::move(progress));
    options.progress = [&](const String& stage, double done) { return watch.goesOn(stage, done); };
    return heard(watch, [&] {
        return predictor.alone([&](HyperPredictor& hyper) -> std::shared_ptr<Prediction> {
            py::gil_scoped_release others;
            return hyper.predict(options);
        });
    });
}

// A call of the updater without the GIL that Ctrl-C and `progress` may end.
template <typename Work>
auto watched(Changer& changer, py::object progress, Work work) {
    RunWatch watch(std::move(progress));
    return heard(watch, [&] {
        return changer.alone([&](Updater& updater) {
            struct Forget {
                Updater& updater;
                ~Forget() { updater.setProgress({}); }
            } const forget{updater};
            updater.setProgress([&](const String& stage, double done) { return watch.goesOn(stage, done); });
            py::gil_scoped_release others;
            return work(updater);
        });
    });
}

// A block at a time, so that Ctrl-C is heard. Images are counted from 0 through all blocks, in errors too.
py::object classify(const Prediction& prediction, const py::object& images, const py::object& resultType) {
    const int kBlock = 256;
    const ArrayImages arrays = toMats(images);
    const auto count = py::ssize_t(arrays.mats.size()), classes = py::ssize_t(prediction.classNames().size());
    py::array_t<int32_t> labels(count);
    py::array_t<float> scores({count, classes});
    py::array_t<bool> unknown(count);
    for (py::ssize_t first = 0; first < count; first += kBlock) {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        const py::ssize_t rows = std::min<py::ssize_t>(kBlock, count - first);
        const std::vector<cv::Mat> block(arrays.mats.begin() + first, arrays.mats.begin() + first + rows);
        cv::Mat label, score, flag;
        try {
            py::gil_scoped_release others;
            prediction.classify(block, label, score, flag);
        } catch (cv::Exception& error) {
            int inBlock = 0, length = 0;
            if (std::sscanf(error.err.c_str(), "image %d%n", &inBlock, &length) == 1) {
                error.err.replace(0, size_t(length), "image " + std::to_string(first + inBlock));
            }
            throw;
        }
        std::memcpy(labels.mutable_data(first), label.data, size_t(rows) * sizeof(int32_t));
        std::memcpy(scores.mutable_data(first, 0), score.data, size_t(rows * classes) * sizeof(float));
        for (py::ssize_t i = 0; i < rows; ++i) unknown.mutable_at(first + i) = flag.at<uchar>(int(i)) != 0;
    }
    return resultType(labels, scores, unknown);
}

void raise(const py::object& type, const std::string& sentence) {
    const auto text = py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(sentence.c_str(), py::ssize_t(sentence.size()), "backslashreplace"));
    PyErr_SetObject(type.ptr(), text.ptr());
}

// Never destroyed: Python may raise until its very end.
py::object& errorType() {
    static auto* type = new py::object();
    return *type;
}
py::object& cancelledType() {
    static auto* type = new py::object();
    return *type;
}

void bindErrors(py::module_& module) {
    const auto made = [](const char* name, const char* text, PyObject* base) {
        return py::reinterpret_steal<py::object>(PyErr_NewExceptionWithDoc(name, text, base, nullptr));
    };
    errorType() =
        made("hyperpred.Error", "What could not be done and what would be right, in a sentence.", PyExc_RuntimeError);
    cancelledType() = made("hyperpred.Cancelled", "The progress function returned False.", errorType().ptr());
    module.attr("Error") = errorType();
    module.attr("Cancelled") = cancelledType();
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            std::rethrow_exception(pointer);
        } catch (const cv::Exception& error) {
            raise(errorType(), error.err);
        } catch (const Cancelled& error) {
            raise(cancelledType(), error.what());
        }
    });
}

void bindSuspect(py::module_& module) {
    py::class_<Suspect>(module, "Suspect", "A support image that a classifier fitted without it would label otherwise.")
        .def_readonly("image", &Suspect::image, "Position in the order of HyperPredictor.add, from 0.")
        .def_readonly("label", &Suspect::label, "As given.")
        .def_readonly("predicted", &Suspect::predicted, "The leave-one-out answer.")
        .def_readonly("margin", &Suspect::margin,
                      "Leave-one-out probability of the answer minus that of the label, 0..1.")
        .def("__repr__", [](const Suspect& suspect) {
            return cv::format("Suspect(image=%d, label=%d, predicted=%d, margin=%.3f)", suspect.image, suspect.label,
                              suspect.predicted, double(suspect.margin));
        });
}

void bindPrediction(py::module_& module) {
    const py::object classified =
        py::module_::import("collections")
            .attr("namedtuple")("Classified", py::make_tuple("labels", "scores", "unknown"), "module"_a = "hyperpred");
    classified.attr("__doc__") =
        "What Prediction.classify answers, a row an image: labels (int32, N), scores (float32, N x classes: "
        "probabilities) and unknown (bool, N: the image resembles no class).";
    module.attr("Classified") = classified;
    py::class_<Prediction, std::shared_ptr<Prediction>>(module, "Prediction", "A predicted network.")
        .def(
            "classify",
            [classified](const Prediction& self, const py::object& images) {
                return classify(self, images, classified);
            },
            "images"_a,
            "Classify images (see HyperPredictor.add for what is taken): a Classified of labels, scores and unknown.")
        .def(
            "onnx",
            [](const Prediction& self) {
                std::vector<uchar> bytes;
                {
                    py::gil_scoped_release others;
                    bytes = self.onnx();
                }
                return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            },
            "The network as an ONNX file (opset 13) in memory; class names, threshold and preprocessing are in its "
            "metadata.")
        .def(
            "write_onnx",
            [](const Prediction& self, const py::object& path, const py::object& support) {
                const std::string name = toPath(path), supportName = support.is_none() ? "" : toPath(support);
                py::gil_scoped_release others;
                self.writeONNX(name, supportName);
            },
            "path"_a, "support"_a = py::none(),
            "Write the ONNX file: whole or not at all. With support the file of write_support as well: either both "
            "change or, on an error, none.")
        .def(
            "write_support",
            [](const Prediction& self, const py::object& path) {
                const std::string name = toPath(path);
                py::gil_scoped_release others;
                self.writeSupport(name);
            },
            "path"_a, "Write what Updater needs beside the ONNX file; predict() must have had keep_support=True.")
        .def(
            "write_model",
            [](const Prediction& self, const py::object& path) {
                const std::string name = toPath(path);
                py::gil_scoped_release others;
                self.writeModel(name);
            },
            "path"_a,
            "Write the delivered weights as a model file, from which `hyperpred_train refine` starts; predict() must "
            "have had keep_weights=True.")
        .def_property_readonly(
            "input_size",
            [](const Prediction& self) { return py::make_tuple(self.inputSize().width, self.inputSize().height); },
            "Width and height in pixels of the network's input.")
        .def_property_readonly(
            "class_names", [](const Prediction& self) { return toList(self.classNames()); },
            "One name a class, by label.")
        .def_property_readonly(
            "expected_accuracy", &Prediction::expectedAccuracy,
            "Leave-one-out accuracy on the support set, 0..1: what to expect on new images of the same kind.")
        .def_property_readonly("suspects", &Prediction::suspects,
                               "Support images whose leave-one-out answer contradicts their label, surest first.")
        .def_property_readonly("dropped", &Prediction::dropped,
                               "Support images that drop_suspects kept out, the most doubtful first.")
        .def_property_readonly("threshold", &Prediction::threshold,
                               "An image whose greatest \"familiarity\" is below resembles no class.")
        .def_property_readonly("device", &Prediction::device, "Where the prediction ran.")
        .def(
            "report", [](const Prediction& self) { return fromJson(self.report()); },
            "Everything of note as a dictionary: choice, head, accuracy, times in ms, sizes, conflicts.")
        .def("__repr__", [](const Prediction& self) {
            return cv::format("<hyperpred.Prediction of %d classes, expected accuracy %.1f %%>",
                              int(self.classNames().size()), 100 * self.expectedAccuracy());
        });
}

const char* const kPredictText =
    "Predict a network from what was added. The same support set gives the same bytes, whatever the order of the\n"
    "images, the batches or the number of threads. Other Python threads run meanwhile, and Ctrl-C ends it.\n\n"
    "head: classifier on the features, \"ridge\", \"cosine\" (the paper) or \"lda\"\n"
    "features: stages (1-based, ascending) whose pooled outputs are the features; empty: the last three\n"
    "pooling: how a stage's map becomes a number a channel, \"rms\" or \"mean\" (the paper)\n"
    "sample_size: images, stratified by class, for the sketch and for batch-norm calibration, 2..10000\n"
    "rejected: share of the support set that the threshold for unknown images refuses, 0..0.5\n"
    "weights: \"auto\" (the better of both by leave-one-out accuracy), \"predicted\" or \"base\"\n"
    "drop_suspects: leave out so many images whose label is the most doubtful\n"
    "keep_support: keep every image's features, for Prediction.write_support\n"
    "keep_weights: keep the delivered weights, for Prediction.write_model\n"
    "class_names: one name a class, by label; empty: the labels' numbers\n"
    "many: allow more than 1,000 classes\n"
    "progress: called with a stage's name and the share of it done (0..1); False from it raises Cancelled, and an\n"
    "exception in it ends the run as well. The predictor is then as before.";

void bindPredictor(py::module_& module) {
    const PredictOptions usual;
    py::class_<Predictor>(
        module, "HyperPredictor",
        "Predicts a network for labelled images, without a training run. One predictor serves one support set; "
        "different ones may run in different threads at once.")
        .def(py::init([](const py::object& model, const std::string& backend, int threads) {
                 const std::string path = toPath(model);
                 py::gil_scoped_release others;
                 return std::make_unique<Predictor>(HyperPredictor::create(path, backend, threads), "predictor");
             }),
             "model"_a, "backend"_a = "auto", "threads"_a = 0,
             "model: safetensors file with hypernetwork, base weights and architecture\n"
             "backend: \"auto\", \"cpu\", \"cuda\" or \"reference\"\n"
             "threads: 0 for as many as OpenCV uses")
        .def(
            "add", &add, "images"_a, "labels"_a,
            "Add a batch to the support set; on an error, nothing of it was added. Call it as often as you like.\n\n"
            "images: an iterable of arrays rows x columns (grey) or rows x columns x 1, 3 (BGR, as cv2 reads them) or\n"
            "    4 (BGRA), of uint8, uint16, or float32 or float64 in 0..1, of any size; or one array of four\n"
            "    dimensions. Strided views are welcome.\n"
            "labels: as many integers from 0, in a sequence or an array")
        .def(
            "predict",
            [](Predictor& self, const std::string& head, const std::vector<int>& features, const std::string& pooling,
               int sampleSize, double rejected, const std::string& weights, int dropSuspects, bool keepSupport,
               bool keepWeights, const std::vector<std::string>& classNames, bool many, const py::object& progress) {
                PredictOptions options;
                options.head = head;
                options.features = features;
                options.pooling = pooling;
                options.sampleSize = sampleSize;
                options.rejected = rejected;
                options.weights = weights;
                options.dropSuspects = dropSuspects;
                options.keepSupport = keepSupport;
                options.keepWeights = keepWeights;
                options.classNames.assign(classNames.begin(), classNames.end());
                options.many = many;
                return predict(self, options, progress);
            },
            py::kw_only(), "head"_a = std::string(usual.head), "features"_a = py::tuple(),
            "pooling"_a = std::string(usual.pooling), "sample_size"_a = usual.sampleSize, "rejected"_a = usual.rejected,
            "weights"_a = std::string(usual.weights), "drop_suspects"_a = usual.dropSuspects,
            "keep_support"_a = usual.keepSupport, "keep_weights"_a = usual.keepWeights, "class_names"_a = py::tuple(),
            "many"_a = usual.many, "progress"_a = py::none(), kPredictText)
        .def(
            "clear", [](Predictor& self) { self.alone([](HyperPredictor& hyper) { hyper.clear(); }); },
            "Forget the support set.")
        .def(
            "info",
            [](Predictor& self) { return fromJson(self.alone([](HyperPredictor& hyper) { return hyper.info(); })); },
            "The model as a dictionary: architecture, hypernetwork, training.")
        .def(
            "__len__", [](Predictor& self) { return self.alone([](HyperPredictor& hyper) { return hyper.size(); }); },
            "Number of support images added so far.");
}

void bindUpdater(py::module_& module) {
    const auto path = [](const py::object& given) { return given.is_none() ? std::string() : toPath(given); };
    py::class_<Changer>(
        module, "Updater",
        "Changes the classes of a written network without the images it was predicted from: the layers stay, the head "
        "is fitted again. Exact: adding and then dropping a class gives the same bytes. One call at a time.")
        .def(py::init([path](const py::object& net, const py::object& support, bool repair) {
                 const std::string netPath = toPath(net), supportPath = path(support);
                 py::gil_scoped_release others;
                 return std::make_unique<Changer>(Updater::open(netPath, supportPath, repair), "updater");
             }),
             "net"_a, "support"_a = py::none(), "repair"_a = false,
             "net: ONNX file of hyperpred\n"
             "support: file of Prediction.write_support for it; None: beside it, net.support for net.onnx\n"
             "repair: take a support file of another state of the same layers; write() then makes the network anew")
        .def(
            "add",
            [](Changer& self, const py::object& images, const std::vector<std::string>& classes,
               const py::object& progress) {
                const ArrayImages arrays = toMats(images);
                const std::vector<String> names(classes.begin(), classes.end());
                watched(self, progress, [&](Updater& updater) { updater.add(arrays.mats, names); });
            },
            "images"_a, "classes"_a, "progress"_a = py::none(),
            "Add images (see HyperPredictor.add for what is taken) to the classes named, one name an image; new "
            "classes stand behind the others in the order of their names. On an error nothing was added. progress: as "
            "in HyperPredictor.predict.")
        .def(
            "drop",
            [](Changer& self, const std::string& name) { self.alone([&](Updater& updater) { updater.drop(name); }); },
            "name"_a, "Forget a class and its images. Two classes must stay.")
        .def(
            "rename",
            [](Changer& self, const std::string& from, const std::string& to) {
                self.alone([&](Updater& updater) { updater.rename(from, to); });
            },
            "old"_a, "new"_a, "The new name must not be another class's.")
        .def(
            "write",
            [path](Changer& self, const py::object& net, const py::object& support, const py::object& progress) {
                const std::string netPath = toPath(net), supportPath = path(support);
                return fromJson(watched(self, progress, [&](Updater& updater) -> std::string {
                    return updater.write(netPath, supportPath);
                }));
            },
            "net"_a, "support"_a = py::none(), "progress"_a = py::none(),
            "Fit the head and write both files: either both change or, on an error, none. Returns the new report. "
            "progress: as in HyperPredictor.predict.")
        .def(
            "report",
            [](Changer& self) { return fromJson(self.alone([](Updater& updater) { return updater.report(); })); },
            "Report of the network as it was opened, as a dictionary.")
        .def_property_readonly(
            "class_names",
            [](Changer& self) { return toList(self.alone([](Updater& updater) { return updater.classNames(); })); },
            "The class names by label, as write() will write them.")
        .def(
            "__len__", [](Changer& self) { return self.alone([](Updater& updater) { return updater.size(); }); },
            "Number of images.");
}

}  // namespace

}  // namespace hyperpred
}  // namespace cv

PYBIND11_MODULE(_hyperpred, module) {
    using namespace cv::hyperpred;
    module.doc() = "The compiled part of hyperpred.";
    module.attr("__version__") = HYPERPRED_VERSION;
    const py::object name = module.attr("__name__");
    module.attr("__name__") = "hyperpred";  // where users find the classes, and help() says so
    bindErrors(module);
    bindSuspect(module);
    bindPrediction(module);
    bindPredictor(module);
    bindUpdater(module);
    module.attr("__name__") = name;
}
