#!/usr/bin/env python
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
# cv2.hyperpred, the binding that OpenCV's generator makes from the public header. OPENCV_TEST_DATA_PATH is the folder
# `data` of the repository.
import json

import cv2 as cv
import numpy as np

from tests_common import NewOpenCVTests, unittest

NAMES = ["bolt", "gear", "spring"]


class hyperpred_test(NewOpenCVTests):
    def parts(self, part, each):
        images, labels = [], []
        for label, name in enumerate(NAMES):
            for i in range(each):
                path = self.find_file("images/parts/%s/%s/%02d.jpg" % (part, name, i), [self.extraTestDataPath])
                images.append(cv.imread(path))
                labels.append(label)
        return images, np.array(labels)

    def predictor(self):
        model = self.find_file("models/resnet18.safetensors", [self.extraTestDataPath])
        return cv.hyperpred.HyperPredictor.create(model, "cpu", 1)

    def test_predict_classify_net(self):
        images, labels = self.parts("support", 11)
        predictor = self.predictor()
        predictor.add(images[:10], labels[:10])
        predictor.add(images[10:], labels[10:])
        self.assertEqual(predictor.size(), 33)
        options = cv.hyperpred.PredictOptions()
        options.classNames = NAMES
        options.head = "ridge"
        prediction = predictor.predict(options)
        self.assertEqual(list(prediction.classNames()), NAMES)
        self.assertGreater(prediction.expectedAccuracy(), 0.85)

        heldout, truth = self.parts("heldout", 7)
        answers, scores, unknown = prediction.classify(heldout)
        self.assertEqual((answers.shape, scores.shape, unknown.shape), ((21, 1), (21, 3), (21, 1)))
        self.assertGreaterEqual(int((answers[:, 0] == truth).sum()), 18)

        net = prediction.net()
        size = prediction.inputSize()
        small = [cv.resize(image, size, interpolation=cv.INTER_AREA) for image in heldout]
        net.setInput(cv.dnn.blobFromImages(small, 1.0, size, swapRB=True))
        probabilities = net.forward("probabilities")
        self.assertLess(np.abs(probabilities - scores).max(), 1e-5)

        read = cv.dnn.readNetFromONNX(prediction.onnx())
        read.setInput(cv.dnn.blobFromImages(small, 1.0, size, swapRB=True))
        self.assertLess(np.abs(read.forward("probabilities") - scores).max(), 1e-4)  # folds in another order

    def test_defaults_and_report(self):
        options = cv.hyperpred.PredictOptions()
        self.assertEqual((options.head, options.pooling, options.sampleSize, options.rejected, options.weights,
                          options.dropSuspects, options.many), ("ridge", "rms", 1000, 0.01, "auto", 0, False))
        images, labels = self.parts("support", 11)
        labels[3] = 2  # a bolt among the springs
        predictor = self.predictor()
        predictor.add(images, labels)
        prediction = predictor.predict()
        self.assertEqual(json.loads(prediction.report())["classes"], 3)
        suspect = prediction.suspects()[0]
        self.assertEqual((suspect.image, suspect.label, suspect.predicted), (3, 2, 0))
        self.assertEqual(json.loads(predictor.info())["architecture"]["name"], "resnet18")

    def test_errors_are_sentences(self):
        predictor = self.predictor()
        with self.assertRaises(cv.error) as raised:
            predictor.add([np.zeros((5, 7, 2), np.uint8)], np.array([0]))
        self.assertIn("2 channel(s)", raised.exception.err)
        self.assertEqual(predictor.size(), 0)


if __name__ == "__main__":
    NewOpenCVTests.bootstrap()
