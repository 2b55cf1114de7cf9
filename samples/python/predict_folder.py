#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Predicts a network for a folder of images, one sub-folder a class, and shows with matplotlib how good it is:

    predict_folder.py data/images/parts/support data/images/parts/heldout --model data/models/resnet18.safetensors

Four plots: who is taken for whom, how far a probability can be believed, the share of unknown images, and the images
whose label is the most doubtful. --plot FILE writes them and needs no screen, --out FILE writes the network.
"""
import argparse
import pathlib
import sys

import cv2
import hyperpred
import matplotlib
import numpy as np


def read_folder(folder, names=None):
    """Images, labels and paths of a folder of class folders; names gives the labels where they are known already."""
    names = names or sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    images, labels, paths = [], [], []
    for label, name in enumerate(names):
        for path in sorted((folder / name).iterdir()):
            image = cv2.imread(str(path))
            if image is None:
                print(f"skipped, not an image: {path}", file=sys.stderr)
                continue
            images.append(image)
            labels.append(label)
            paths.append(path)
    return names, images, np.array(labels), paths


def plot_confusion(axes, names, labels, answers):
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, answers), 1)
    axes.imshow(counts / counts.sum(axis=1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        axes.text(column, row, counts[row, column], ha="center", va="center",
                  color="white" if counts[row, column] * 2 > counts[row].sum() else "black")
    axes.set(title=f"{(labels == answers).mean():.1%} right", ylabel="is", xlabel="taken for",
             xticks=range(len(names)), yticks=range(len(names)), yticklabels=names)
    axes.set_xticklabels(names, rotation=60, ha="right")


def plot_reliability(axes, right, confidence, bins=8):
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    filled = [b for b in range(bins) if (which == b).any()]
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot([confidence[which == b].mean() for b in filled], [right[which == b].mean() for b in filled], "o-")
    axes.set(title="probability and truth", xlabel="probability of the answer", ylabel="share of right answers",
             xlim=(0, 1.02), ylim=(0, 1.02))


def plot_unknown(axes, shares):
    axes.bar(list(shares), list(shares.values()))
    axes.set(title="called unknown", ylabel="share", ylim=(0, 1))


def plot_suspects(axes, prediction, images, count=8, edge=128):
    tiles = []
    for suspect in prediction.suspects[:count]:
        tile = cv2.resize(images[suspect.image], (edge, edge), interpolation=cv2.INTER_AREA)
        label, answer = prediction.class_names[suspect.label], prediction.class_names[suspect.predicted] + "?"
        for colour, thickness in ((0, 0, 0), 3), ((255, 255, 255), 1):
            for text, y in (label, 14), (answer, edge - 6):
                cv2.putText(tile, text, (3, y), cv2.FONT_HERSHEY_PLAIN, 1, colour, thickness, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.full((edge, edge, 3), 255, np.uint8)] * (count - len(tiles))
    sheet = np.vstack([np.hstack(tiles[:count // 2]), np.hstack(tiles[count // 2:])])
    axes.imshow(sheet[..., ::-1])  # matplotlib takes RGB
    axes.set(title="doubtful labels (label above, answer below)", xticks=[], yticks=[])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("support", type=pathlib.Path, help="folder to predict from")
    parser.add_argument("heldout", type=pathlib.Path, help="folder of other images of the same classes")
    parser.add_argument("--model", required=True, help="hypernetwork file")
    parser.add_argument("--unknown", type=pathlib.Path, help="folder of images of no class")
    parser.add_argument("--out", help="ONNX file to write")
    parser.add_argument("--plot", help="picture to write instead of opening a window")
    arguments = parser.parse_args()
    if arguments.plot:
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names, images, labels, _ = read_folder(arguments.support)
    predictor = hyperpred.HyperPredictor(arguments.model)
    predictor.add(images, labels)
    prediction = predictor.predict(class_names=names)
    if arguments.out:
        prediction.write_onnx(arguments.out)

    _, heldout, truth, _ = read_folder(arguments.heldout, names)
    answers, scores, unknown = prediction.classify(heldout)
    shares = {"held out": unknown.mean()}
    if arguments.unknown:
        others = [image for image in map(cv2.imread, map(str, arguments.unknown.rglob("*.jpg"))) if image is not None]
        shares["of no class"] = prediction.classify(others).unknown.mean()
    print(f"{len(images)} images of {len(names)} classes on {prediction.device}: expected "
          f"{prediction.expected_accuracy:.1%}, on {len(heldout)} held-out images {(answers == truth).mean():.1%}")

    figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
    plot_confusion(axes[0, 0], names, truth, answers)
    plot_reliability(axes[0, 1], answers == truth, scores.max(axis=1))
    plot_unknown(axes[1, 0], shares)
    plot_suspects(axes[1, 1], prediction, images)
    if arguments.plot:
        figure.savefig(arguments.plot, dpi=90)
    else:
        plt.show()


if __name__ == "__main__":
    main()
