// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef OPENCV_HYPERPRED_HPP
#define OPENCV_HYPERPRED_HPP

#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

/**
@defgroup hyperpred Networks predicted from labelled images

Labelled images and a hypernetwork file in, a ready cv::dnn::Net out, without a training run. After "Learning to
Predict Parameter for Unseen Data" (PudNet): the data set is encoded into a sketch, a GRU predicts one layer's weights
a step, batch-norm is calibrated on the images and a closed-form head is fitted.
*/

namespace cv {
namespace hyperpred {

//! @addtogroup hyperpred
//! @{

/** How to predict. The defaults are those of the `hyperpred predict` tool. */
struct CV_EXPORTS_W_SIMPLE PredictOptions {
    CV_WRAP PredictOptions();  //!< The defaults.
    //! Classifier on the features: "ridge", "cosine" (the paper) or "lda".
    CV_PROP_RW String head;
    //! Stages (1-based, ascending) whose pooled outputs are the features; empty: the last three.
    CV_PROP_RW std::vector<int> features;
    //! How a stage's map becomes a number a channel: "rms" (root of the mean square) or "mean" (the paper).
    CV_PROP_RW String pooling;
    //! Images, stratified by class, for the sketch and for batch-norm calibration: 2..10000.
    CV_PROP_RW int sampleSize;
    //! Share of the support set that the threshold for unknown images refuses: 0..0.5.
    CV_PROP_RW double rejected;
    //! "auto" (the better of both by leave-one-out accuracy), "predicted" or "base".
    CV_PROP_RW String weights;
    //! So many support images whose label is the most doubtful, by a first prediction, stay out of the second one, 0..;
    //! never the last of its class, and only suspects. What is left looks easier than it is: expectedAccuracy() rises.
    CV_PROP_RW int dropSuspects;
    //! Keeps every image's features, so that Prediction::writeSupport() can write them for Updater.
    CV_PROP_RW bool keepSupport;
    //! Keeps the delivered weights, so that Prediction::writeModel() can write them as a start for training.
    CV_PROP_RW bool keepWeights;
    //! Of the written network: "onnx" (float), "onnx-fp16" (weights of 16 bits) or "onnx-int8" (integers, calibrated on
    //! the sample). The prediction itself, net() and classify(), is float.
    CV_PROP_RW String format;
    //! One name a class, by label; empty: the labels' numbers.
    CV_PROP_RW std::vector<String> classNames;
    //! Allows more than 1,000 classes (up to 10,000).
    CV_PROP_RW bool many;
    //! Called with the stage's name and the share done (0..1) in order, twice through with dropSuspects; return false
    //! to cancel, then predict() throws cv::Exception and the predictor is as before the call.
    std::function<bool(const String& stage, double done)> progress;
};

/** A support image that a classifier fitted without it would label otherwise. */
struct CV_EXPORTS_W_SIMPLE Suspect {
    Suspect();              //!< All zero.
    CV_PROP int image;      //!< position in the order of HyperPredictor::add
    CV_PROP int label;      //!< as given
    CV_PROP int predicted;  //!< leave-one-out answer
    CV_PROP float margin;   //!< leave-one-out probability of the answer minus that of the label, 0..1
};

/** A predicted network. */
class CV_EXPORTS_W Prediction {
public:
    virtual ~Prediction() {}
    /** Ready network. Input: blobFromImages(images, 1.0, inputSize(), Scalar(), true, false); outputs "logits"
        (N x C), "features" (N x p), "probabilities" (N x C), "familiarity" (N x C; where its greatest number is below
        threshold() the image resembles no class). Each call gives an independent Net. */
    CV_WRAP virtual dnn::Net net() const = 0;
    /** Width and height in pixels of the images that net() takes. */
    CV_WRAP virtual Size inputSize() const = 0;
    /** Writes an ONNX file (opset 13) atomically, in PredictOptions::format; class names, threshold and preprocessing
        are in metadata_props. With `support` the file of writeSupport() is written there as well: either both change
        or, on an exception, none. */
    CV_WRAP virtual void writeONNX(const String& path, const String& support = String()) const = 0;
    /** The same file in memory. */
    CV_WRAP virtual std::vector<uchar> onnx() const = 0;
    /** Writes what Updater needs beside the ONNX file, atomically: every image's features (4 bytes a number), label and
        hash. Throws where PredictOptions::keepSupport was not set. */
    CV_WRAP virtual void writeSupport(const String& path) const = 0;
    /** Writes the delivered weights as a model file without a hypernetwork, atomically: `hyperpred_train refine` starts
        from it, HyperPredictor::create() takes it. Throws where PredictOptions::keepWeights was not set. */
    CV_WRAP virtual void writeModel(const String& path) const = 0;
    /** One name a class, by label. */
    CV_WRAP virtual std::vector<String> classNames() const = 0;
    /** Classifies images of any accepted type. labels: N x 1 CV_32S; scores: N x C CV_32F probabilities; unknown:
        N x 1 CV_8U, 255 where the image resembles no class. */
    CV_WRAP virtual void classify(InputArrayOfArrays images, OutputArray labels, OutputArray scores = noArray(),
                                  OutputArray unknown = noArray()) const = 0;
    /** Leave-one-out accuracy on the support set, 0..1: what to expect on new images of the same kind. */
    CV_WRAP virtual double expectedAccuracy() const = 0;
    /** Support images whose leave-one-out answer contradicts their label, surest first. */
    CV_WRAP virtual std::vector<Suspect> suspects() const = 0;
    /** Support images that PredictOptions::dropSuspects kept out, the most doubtful first. */
    CV_WRAP virtual std::vector<Suspect> dropped() const = 0;
    /** Greatest "familiarity" below which classify() calls an image unknown. */
    CV_WRAP virtual double threshold() const = 0;
    /** Where the prediction ran, e.g. "CPU, AMD EPYC 9575F, 2 threads, AVX-512". */
    CV_WRAP virtual String device() const = 0;
    /** All of note as JSON: choice, head, lambda, leave-one-out counts, timings in ms, conflicts, duplicates. */
    CV_WRAP virtual String report() const = 0;
};

/** Predicts a network for labelled images. One object serves one support set; different objects may run in different
threads at once. */
class CV_EXPORTS_W HyperPredictor {
public:
    virtual ~HyperPredictor() {}
    /** @param modelFile safetensors file with hypernetwork, base weights and architecture.
        @param backend "auto", "cpu", "cuda" or "reference".
        @param threads 0: as cv::getNumThreads(). Throws cv::Exception when the file is damaged or fits no model. */
    CV_WRAP static Ptr<HyperPredictor> create(const String& modelFile, const String& backend = "auto",
                                              int threads = 0);
    /** Adds a batch to the support set. Any number of batches; memory stays bounded, because converted images beyond
        a budget are kept in a temporary file. @param images vector of Mat, UMat or GpuMat, 1, 3 or 4 channels (BGR),
        8 or 16 bit or float in 0..1, any size. @param labels as many integers (CV_32S), 0..9999. On an exception
        nothing of the batch was added. */
    CV_WRAP virtual void add(InputArrayOfArrays images, InputArray labels) = 0;
    /** Number of support images added so far. */
    CV_WRAP virtual int size() const = 0;
    /** Forgets the support set. */
    CV_WRAP virtual void clear() = 0;
    /** Predicts from what was added. The same support set gives the same bytes, whatever the order of the images,
        the batches or the number of threads. The support set stays, so that predict() can be called again. */
    CV_WRAP virtual Ptr<Prediction> predict(const PredictOptions& options = PredictOptions()) = 0;
    /** The model as a JSON object: architecture, hypernetwork, training. */
    CV_WRAP virtual String info() const = 0;
};

/** Changes the classes of a written network without the images it was predicted from. The layers stay as they are; the
head is fitted again, in closed form, on the features of all images. Exact: adding and then dropping a class gives the
same bytes, and neither the order nor the number of the additions matters. Not for several threads at once. */
class CV_EXPORTS_W Updater {
public:
    virtual ~Updater() {}
    /** @param net ONNX file of hyperpred. @param support file of Prediction::writeSupport() for it; empty: beside it,
        net.support for net.onnx. @param repair takes a support file of another state of the same layers, as a kill
        between the two files leaves it behind; the next write() gives a network of the support file's state. Throws
        cv::Exception when one is damaged or they do not belong together. */
    CV_WRAP static Ptr<Updater> open(const String& net, const String& support = String(), bool repair = false);
    /** Adds images to classes that are there or to new ones, which stand behind the others in the order of their names.
        @param images as HyperPredictor::add takes them. @param classes as many names. On an exception nothing was
        added. */
    CV_WRAP virtual void add(InputArrayOfArrays images, const std::vector<String>& classes) = 0;
    /** Forgets a class and its images. Two classes must stay. */
    CV_WRAP virtual void drop(const String& name) = 0;
    /** The new name must not be another class's. */
    CV_WRAP virtual void rename(const String& from, const String& to) = 0;
    /** The class names by label, as write() will write them. */
    CV_WRAP virtual std::vector<String> classNames() const = 0;
    /** Number of images. */
    CV_WRAP virtual int size() const = 0;
    /** Report of the network as it was opened, JSON (doc/file_formats.md). */
    CV_WRAP virtual String report() const = 0;
    /** Fits the head and writes both files (empty `support`: beside the network): either both change or, on an
        exception, none. Returns the new network's report. */
    CV_WRAP virtual String write(const String& net, const String& support = String()) const = 0;
    /** From now on add() tells `progress` the stage "add" and write() the stages "head" and "net", with the share done
        (0..1); it returns false to cancel, then the call throws cv::Exception and nothing was added or written. Empty:
        nobody is told. */
    virtual void setProgress(const std::function<bool(const String& stage, double done)>& progress) = 0;
};

//! @}

// Not in the classes: OpenCV's binding generator takes an initialiser for a part of the name.
inline PredictOptions::PredictOptions()
    : head("ridge"), pooling("rms"), sampleSize(1000), rejected(0.01), weights("auto"), dropSuspects(0),
      keepSupport(false), keepWeights(false), format("onnx"), many(false) {}
inline Suspect::Suspect() : image(0), label(0), predicted(0), margin(0) {}

}  // namespace hyperpred
}  // namespace cv

#endif
