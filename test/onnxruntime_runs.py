#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Predicts a network for the bundled images in each format, runs the file with onnxruntime and with the tool, and
compares labels, scores, refusals and accuracy.

usage: onnxruntime_runs.py BUILD_DIR SOURCE_DIR, by a Python that has onnxruntime and cv2 (onnxruntime_runs.sh makes it)
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy
import onnxruntime

# Largest difference of a probability. Integers: another order of float sums before a rounding moves single activations
# by one step of 255.
SCORES = {"onnx": 1e-4, "onnx-fp16": 1e-4, "onnx-int8": 0.02}
# Points of top-1 on the held-out images that a format may cost.
LOSS = {"onnx": 0, "onnx-fp16": 0.3, "onnx-int8": 1}
# Bytes of the file for one of the float file, at most.
SIZE = {"onnx": 1, "onnx-fp16": 0.51, "onnx-int8": 0.28}

passed, failed = 0, 0


def check(what, right, found=""):
    global passed, failed
    passed, failed = passed + bool(right), failed + (not right)
    if not right:
        print(f"FAILED: {what} {found}")


def metadata(session):
    return session.get_modelmeta().custom_metadata_map


def blob(path, size):
    image = cv2.imread(str(path))
    shrinks = image.shape[1] > size
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return small[:, :, ::-1].transpose(2, 0, 1).astype(numpy.float32)


def by_onnxruntime(session, paths):
    """Probabilities and whether unknown, from the file and its metadata alone."""
    size = json.loads(metadata(session)["hyperpred.preprocessing"])["size"]
    threshold = float(metadata(session)["hyperpred.threshold"])
    scores, unknown = [], []
    for first in range(0, len(paths), 16):
        images = numpy.stack([blob(path, size) for path in paths[first:first + 16]])
        found, familiarity = session.run(["probabilities", "familiarity"], {"image": images})
        scores.append(found)
        unknown.extend(familiarity.max(axis=1) < threshold)
    return numpy.concatenate(scores), numpy.array(unknown)


def by_tool(tool, net, paths, names, folder):
    lines = subprocess.run([tool, "classify", net, folder, "--json", "--top", str(len(names))], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    answers = {line["source"]: line for line in map(json.loads, lines)}
    scores = numpy.zeros((len(paths), len(names)))
    for row, path in enumerate(paths):
        for best in answers[str(path)]["best"]:
            scores[row, names.index(best["class"])] = best["probability"]
    return scores, numpy.array([answers[str(path)]["unknown"] for path in paths])


def integer_convolutions(session_options, net, folder):
    """How many of the file's convolutions onnxruntime computes in integers, and how many there are."""
    session_options.optimized_model_filepath = str(folder / "optimised.onnx")
    onnxruntime.InferenceSession(net, session_options, providers=["CPUExecutionProvider"])
    text = (folder / "optimised.onnx").read_bytes()
    return text.count(b"\x22\x0bQLinearConv"), text.count(b"\x22\x04Conv")  # field op_type of a node


def main():
    build, source = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    tool, parts = str(build / "bin/hyperpred"), source / "data/images/parts"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    paths = sorted((parts / "heldout").glob("*/*.jpg"))
    with tempfile.TemporaryDirectory(prefix="onnxruntime-") as name:
        folder = pathlib.Path(name)
        whole, accuracy = 0, 0
        for form in SCORES:
            net = str(folder / f"{form}.onnx")
            subprocess.run([tool, "predict", str(parts / "support"), "--out", net, "--format", form,
                            "--model", str(source / "data/models/resnet18.safetensors")],
                           check=True, capture_output=True)
            session = onnxruntime.InferenceSession(net, options, providers=["CPUExecutionProvider"])
            names = json.loads(metadata(session)["hyperpred.classes"])
            check(f"{form}: class names", names == sorted(path.name for path in (parts / "support").iterdir()), names)
            check(f"{form}: the file names its format", metadata(session).get("hyperpred.format", "onnx") == form)
            theirs, refused = by_onnxruntime(session, paths)
            ours, unknown = by_tool(tool, net, paths, names, str(parts / "heldout"))
            apart = abs(theirs - ours).max()
            other = (theirs.argmax(axis=1) != ours.argmax(axis=1)).sum()
            answers = [names[label] for label in theirs.argmax(axis=1)]
            right = 100 * numpy.mean([answer == path.parent.name for answer, path in zip(answers, paths)])
            size = pathlib.Path(net).stat().st_size
            if form == "onnx":
                whole, accuracy = size, right
            check(f"{form}: labels of onnxruntime and of the tool", other == 0, f"differ for {other} images")
            check(f"{form}: scores of onnxruntime and of the tool", apart < SCORES[form], f"are {apart} apart")
            check(f"{form}: refusals", (refused != unknown).sum() <= (form == "onnx-int8"), (refused != unknown).sum())
            check(f"{form}: accuracy", accuracy - right <= LOSS[form] + 1e-9, f"{right} %, float has {accuracy} %")
            check(f"{form}: size", size <= SIZE[form] * whole, f"{size} bytes")
            print(f"{form:10} {size / 1e6:6.1f} MB, top-1 {right:.2f} %, scores at most {apart:.6f} from the tool's")
        integers, floats = integer_convolutions(options, net, folder)
        check("onnx-int8: convolutions in integers and in float", (integers, floats) == (20, 0), (integers, floats))
    print(f"onnxruntime {onnxruntime.__version__}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
