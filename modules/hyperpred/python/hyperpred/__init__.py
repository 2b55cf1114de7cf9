# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Labelled images in, a ready network out, without a training run.

    import cv2, hyperpred

    predictor = hyperpred.HyperPredictor("resnet18.safetensors")
    predictor.add(images, labels)          # numpy arrays in the order BGR, integers from 0
    prediction = predictor.predict(class_names=["gear", "bolt"])
    print(prediction.expected_accuracy)
    labels, scores, unknown = prediction.classify(new_images)
    prediction.write_onnx("net.onnx")
    net = prediction.to_cv2_net()          # a cv2.dnn.Net
"""
from ._hyperpred import Cancelled, Classified, Error, HyperPredictor, Prediction, Suspect, Updater, __version__

__all__ = ["Cancelled", "Classified", "Error", "HyperPredictor", "Prediction", "Suspect", "Updater", "__version__"]


def _to_cv2_net(self):
    """The network as a cv2.dnn.Net. Input: cv2.dnn.blobFromImages(images, 1.0, prediction.input_size, swapRB=True);
    outputs "logits", "probabilities", "features" and "familiarity". Each call gives an independent one. Needs cv2."""
    import cv2
    import numpy

    return cv2.dnn.readNetFromONNX(numpy.frombuffer(self.onnx(), numpy.uint8))


_to_cv2_net.__name__ = "to_cv2_net"
_to_cv2_net.__qualname__ = "Prediction.to_cv2_net"
Prediction.to_cv2_net = _to_cv2_net
del _to_cv2_net
