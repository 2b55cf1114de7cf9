#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Runs samples/python as a user would, without a screen, on the bundled pictures.

usage: sample_python.py BUILD_DIR SOURCE_DIR
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cv2


def main():
    build, source = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    parts = source / "data/images/parts"
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    environment["PYTHONPATH"] = str(build / "python")
    with tempfile.TemporaryDirectory() as folder:
        environment["MPLCONFIGDIR"] = folder
        done = subprocess.run(
            [sys.executable, "-B", source / "samples/python/predict_folder.py", parts / "support", parts / "heldout",
             "--unknown", parts / "unknown", "--model", source / "data/models/resnet18.safetensors",
             "--out", "net.onnx", "--plot", "plot.png"],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(done.stdout, end="")
        assert done.returncode == 0, f"exit status {done.returncode}"
        found = re.search(r"400 images of 10 classes .* on 200 held-out images ([\d.]+)%", done.stdout)
        assert found and float(found.group(1)) > 85, "85 % of the held-out images are expected to be right"
        plot = cv2.imread(os.path.join(folder, "plot.png"))
        assert plot is not None and min(plot.shape[:2]) > 500, "no plot was written"
        # Each of the four plots has something drawn in its quarter.
        rows, columns = plot.shape[0] // 2, plot.shape[1] // 2
        for row in (0, rows):
            for column in (0, columns):
                drawn = (plot[row:row + rows, column:column + columns].min(axis=2) < 200).mean()
                assert drawn > 0.01, f"the quarter at {row}, {column} is blank"
        assert cv2.dnn.readNetFromONNX(os.path.join(folder, "net.onnx")).getLayerNames()


if __name__ == "__main__":
    main()
