# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""The Python package against the tool on the same pictures, and what it says to arrays that are none.

Needs PYTHONPATH (the built package), HYPERPRED_SOURCE and HYPERPRED_BUILD, as ctest sets them.
"""
import ast
import inspect
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import cv2
import numpy

import hyperpred

SOURCE = pathlib.Path(os.environ["HYPERPRED_SOURCE"])
BUILD = pathlib.Path(os.environ["HYPERPRED_BUILD"])
MODEL = SOURCE / "data/models/resnet18.safetensors"
PARTS = SOURCE / "data/images/parts"
NAMES = ["bolt", "gear", "spring"]


def files(part, each):
    return [(PARTS / part / name / f"{i:02}.jpg", label) for label, name in enumerate(NAMES) for i in range(each)]


def images(part, each):
    paths, labels = zip(*files(part, each))
    return [cv2.imread(str(path)) for path in paths], list(labels)


def predictor(each=0, **options):
    hyper = hyperpred.HyperPredictor(MODEL, **options)
    if each:
        hyper.add(*images("support", each))
    return hyper


class LikeTheTool(unittest.TestCase):
    EACH = 7

    @classmethod
    def setUpClass(cls):
        cls.prediction = predictor(cls.EACH).predict(class_names=NAMES)

    @unittest.skipUnless((BUILD / "bin/hyperpred").exists(), "the tool is not built")
    def test_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for path, label in files("support", self.EACH):
                (folder / "set" / NAMES[label]).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / "set" / NAMES[label])
            subprocess.run([BUILD / "bin/hyperpred", "predict", folder / "set", "--model", MODEL, "--out",
                            folder / "tool.onnx"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.prediction.write_onnx(folder / "here.onnx")
            expected = (folder / "tool.onnx").read_bytes()
            self.assertEqual((folder / "here.onnx").read_bytes(), expected)
            self.assertEqual(self.prediction.onnx(), expected)

    def test_classifies_as_cv2_does(self):
        heldout, labels = images("heldout", 5)
        answers, scores, unknown = self.prediction.classify(heldout)
        self.assertEqual((answers.dtype, scores.dtype, unknown.dtype),
                         (numpy.int32, numpy.float32, numpy.bool_))
        self.assertEqual((answers.shape, scores.shape, unknown.shape), ((15,), (15, 3), (15,)))
        self.assertGreaterEqual((answers == labels).sum(), 12)  # chance: 5
        net = self.prediction.to_cv2_net()
        size = self.prediction.input_size
        small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in heldout]
        net.setInput(cv2.dnn.blobFromImages(small, 1.0, size, swapRB=True))
        probabilities, familiarity = net.forward(["probabilities", "familiarity"])
        numpy.testing.assert_allclose(scores, probabilities, atol=1e-4)  # two networks that fold in another order
        numpy.testing.assert_array_equal(answers, probabilities.argmax(axis=1))
        known = abs(familiarity.max(axis=1) - self.prediction.threshold) > 1e-3
        self.assertTrue(known.any())
        numpy.testing.assert_array_equal(unknown[known],
                                         (familiarity.max(axis=1) < self.prediction.threshold)[known])

    def test_more_images_than_a_block(self):
        heldout, _ = images("heldout", 1)
        many = self.prediction.classify([heldout[i % 3] for i in range(259)])
        few = self.prediction.classify(heldout)
        for i in (0, 1, 2, 255, 256, 257, 258):
            self.assertEqual(many.labels[i], few.labels[i % 3])
            numpy.testing.assert_array_equal(many.scores[i], few.scores[i % 3])
        with self.assertRaisesRegex(hyperpred.Error, r"^image 258: the value at row 1, column 2"):
            self.prediction.classify([heldout[0]] * 258 + [with_nan()])

    def test_interrupt(self):
        heldout, _ = images("heldout", 1)
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
        with self.assertRaises(KeyboardInterrupt) as raised:
            self.prediction.classify([heldout[0]] * 512 + [with_nan()])
        self.assertIsNone(raised.exception.__context__)  # before the last block, which would be refused

    def test_no_images(self):
        answer = self.prediction.classify([])
        self.assertEqual((answer.labels.shape, answer.scores.shape, answer.unknown.shape), ((0,), (0, 3), (0,)))

    def test_properties(self):
        self.assertEqual(self.prediction.class_names, NAMES)
        self.assertEqual(self.prediction.input_size, (64, 64))
        report = self.prediction.report()
        self.assertEqual((report["classes"], report["images"], report["head"]), (3, 21, "ridge"))
        self.assertEqual(report["expected_accuracy"], self.prediction.expected_accuracy)
        self.assertIn("CPU", self.prediction.device)
        self.assertEqual(repr(self.prediction), "<hyperpred.Prediction of 3 classes, expected accuracy "
                                                f"{100 * self.prediction.expected_accuracy:.1f} %>")


def with_nan():
    image = numpy.full((3, 5), 0.5, numpy.float32)
    image[1, 2] = numpy.nan
    return image


class Arrays(unittest.TestCase):
    """Each way to hold the same pixels gives the same network."""

    @classmethod
    def setUpClass(cls):
        cls.images, cls.labels = images("support", 3)
        cls.images = [cv2.resize(image, (41, 37)) for image in cls.images]  # one size, for four dimensions
        cls.expected = cls.bytes_of(cls.images, cls.labels)

    @staticmethod
    def bytes_of(given, labels):
        hyper = predictor()
        hyper.add(given, labels)
        return hyper.predict().onnx()

    def test_batches(self):
        stack = numpy.stack(self.images)
        self.assertEqual(self.bytes_of(stack, numpy.array(self.labels)), self.expected)
        self.assertEqual(self.bytes_of((image for image in self.images), tuple(self.labels)), self.expected)
        self.assertEqual(self.bytes_of(tuple(self.images), numpy.array(self.labels, numpy.uint8)), self.expected)

    def test_layouts(self):
        wide = [numpy.ascontiguousarray(numpy.pad(image, ((2, 3), (5, 7), (0, 0))))[2:-3, 5:-7]
                for image in self.images]
        self.assertFalse(wide[0].flags.c_contiguous)
        rgb = [numpy.ascontiguousarray(image[..., ::-1])[..., ::-1] for image in self.images]
        upside_down = [numpy.ascontiguousarray(image[::-1])[::-1] for image in self.images]
        planes = [numpy.asfortranarray(image) for image in self.images]
        four = [numpy.dstack([image, numpy.full(image.shape[:2], 9, numpy.uint8)]) for image in self.images]
        other_columns = [numpy.repeat(image, 2, axis=1)[:, ::2] for image in self.images]
        read_only = [image.copy() for image in self.images]
        for image in read_only:
            image.flags.writeable = False
        for name, given in dict(wide=wide, rgb=rgb, upside_down=upside_down, planes=planes, four=four,
                                other_columns=other_columns, read_only=read_only).items():
            with self.subTest(name):
                self.assertEqual(self.bytes_of(given, self.labels), self.expected)

    def test_depths(self):
        sixteen = [image.astype(numpy.uint16) * 257 for image in self.images]
        self.assertEqual(self.bytes_of(sixteen, self.labels), self.expected)
        swapped = [image.astype(image.dtype.newbyteorder()) for image in sixteen]
        self.assertEqual(self.bytes_of(swapped, self.labels), self.expected)
        for depth in (numpy.float32, numpy.float64):
            floats = [image.astype(depth) / depth(255) for image in self.images]
            self.assertEqual(self.bytes_of(floats, self.labels), self.expected)

    def test_grey(self):
        flat = [image[..., 1].copy() for image in self.images]
        expected = self.bytes_of([cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in flat], self.labels)
        self.assertEqual(self.bytes_of(flat, self.labels), expected)
        self.assertEqual(self.bytes_of([image[..., None] for image in flat], self.labels), expected)
        self.assertEqual(self.bytes_of([image[..., 1] for image in self.images], self.labels), expected)

    def test_one_row_and_one_column(self):
        hyper = predictor()
        hyper.add([numpy.zeros((1, 9, 3), numpy.uint8), numpy.zeros((9, 1), numpy.uint8),
                   numpy.zeros((9, 9, 3), numpy.uint8)[::4, ::4][1:2, 1:2]], [0, 1, 1])
        self.assertEqual(len(hyper), 3)


class Refusals(unittest.TestCase):
    def refuses(self, given, labels, sentence):
        hyper = predictor()
        hyper.add([numpy.zeros((3, 5), numpy.uint8)], [0])
        with self.assertRaisesRegex(hyperpred.Error, sentence):
            hyper.add(given, labels)
        self.assertEqual(len(hyper), 1)  # nothing of the batch

    def test_images(self):
        good = numpy.zeros((3, 5, 3), numpy.uint8)
        self.refuses(good, [0], r"^images: an array of 3 x 5 x 3; a list of arrays, or one array images x rows")
        self.refuses("a.jpg", [0], r"^images: a str; a list of numpy arrays is expected")
        self.refuses(None, [0], r"^images: a NoneType; a list")
        self.refuses([good, [[1]]], [0, 0], r"^image 1: a list; a numpy array is expected, with colours in the order B")
        self.refuses([good, good.astype(numpy.int64)], [0, 0], r"^image 1: an array of int64; uint8, uint16, or float3")
        self.refuses([good.astype(bool)], [0], r"^image 0: an array of bool; uint8")
        self.refuses([good.astype(numpy.float16)], [0], r"^image 0: an array of float16; uint8")
        self.refuses([good, good[0, 0]], [0, 0], r"^image 1: an array of 3; rows x columns \(grey\)")
        self.refuses([good[..., :2]], [0], r"^image 0: an array of 3 x 5 x 2; rows x columns")
        self.refuses([numpy.array(1, numpy.uint8)], [0], r"^image 0: an array of no dimensions")
        self.refuses([good[:0]], [0], r"^image 0: an array of 0 x 5 x 3; at least 1 x 1 pixels")
        self.refuses([numpy.stack([good, good])], [0], r"^image 0: an array of 2 x 3 x 5 x 3; rows x columns")
        self.refuses([good, with_nan()], [0, 0], r"^image 1: the value at row 1, column 2, channel 0 is NaN")
        self.refuses([good + numpy.float32(255)], [0], r"^image 0: float values up to 255")

    def test_labels(self):
        good = numpy.zeros((3, 5, 3), numpy.uint8)
        self.refuses([good], [0, 1], r"^1 images but 2 labels")
        self.refuses([good], [1.0], r"^labels: that of image 0 is a float; integers from 0 are expected")
        self.refuses([good, good], [0, True], r"^labels: that of image 1 is a bool")
        self.refuses([good, good], [0, "gear"], r"^labels: that of image 1 is a str")
        self.refuses([good], "0", r"^labels: a str; a list")
        self.refuses([good], [2**70], r"^labels: that of image 0 is 1180591620717411303424;")
        self.refuses([good], [-1], r"^label -1 of image 0: labels are 0\.\.9999")
        self.refuses([good], numpy.array([0.0]), r"^labels: an array of 1 of float64; one dimension of integers")
        self.refuses([good], numpy.array([[0]]), r"^labels: an array of 1 x 1 of int64")

    def test_options(self):
        hyper = predictor(2)
        with self.assertRaisesRegex(hyperpred.Error, r"^sampleSize is 1, must be 2\.\.10000"):
            hyper.predict(sample_size=1)
        with self.assertRaisesRegex(hyperpred.Error, "svm"):
            hyper.predict(head="svm")
        with self.assertRaises(TypeError):
            hyper.predict("ridge")  # by name only

    def test_files(self):
        with self.assertRaisesRegex(hyperpred.Error, "no such model"):
            hyperpred.HyperPredictor("no such model")
        # A name that is no UTF-8 comes back readable.
        with self.assertRaisesRegex(hyperpred.Error, r"\\xFF"):
            hyperpred.HyperPredictor(b"no \xff model")
        with self.assertRaisesRegex(hyperpred.Error, "no such folder"):
            predictor(1).predict().write_onnx(pathlib.Path("no such folder") / "net.onnx")
        self.assertTrue(issubclass(hyperpred.Error, RuntimeError))


class Progress(unittest.TestCase):
    def setUp(self):
        self.hyper = predictor(3)

    def test_stages_in_order(self):
        seen = []
        self.hyper.predict(progress=lambda stage, done: seen.append((stage, done)))
        stages = list(dict.fromkeys(stage for stage, _ in seen))
        self.assertEqual(stages, ["sketch", "weights", "calibrate", "head", "net"])
        self.assertEqual(seen[-1], ("net", 1.0))

    def test_cancel(self):
        before = self.hyper.predict().onnx()
        for answer in (False, 0, numpy.False_):
            with self.assertRaisesRegex(hyperpred.Cancelled, 'cancelled in stage "head"'):
                self.hyper.predict(progress=lambda stage, done: answer if stage == "head" else True)
        self.assertEqual(self.hyper.predict().onnx(), before)

    def test_what_it_raises_comes_out(self):
        def fails(stage, done):
            if stage == "weights":
                raise KeyError("of my own")
        with self.assertRaisesRegex(KeyError, "of my own"):
            self.hyper.predict(progress=fails)
        with self.assertRaisesRegex(TypeError, "progress: False to cancel"):
            self.hyper.predict(progress=lambda stage, done: [])
        with self.assertRaises(TypeError):
            self.hyper.predict(progress=lambda: True)
        self.hyper.predict()

    def test_keyboard_interrupt(self):
        def interrupts(stage, done):
            if stage == "calibrate":
                os.kill(os.getpid(), signal.SIGINT)
        with self.assertRaises(KeyboardInterrupt):
            self.hyper.predict(progress=interrupts)
        self.assertEqual(len(self.hyper), 9)
        self.hyper.predict()

    def test_interrupt_without_a_progress_function(self):
        # In a process of its own: the signal comes while no Python code runs.
        code = ("import os, signal, threading, numpy, hyperpred, sys\n"
                "h = hyperpred.HyperPredictor(sys.argv[1], threads=1)\n"
                "rng = numpy.random.default_rng(1)\n"
                "h.add(rng.integers(0, 256, (600, 32, 32, 3), numpy.uint8), [0, 1] * 300)\n"
                "threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
                "try:\n    h.predict()\nexcept KeyboardInterrupt:\n    print('interrupted', len(h))\n")
        done = subprocess.run([sys.executable, "-c", code, MODEL], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "interrupted 600\n"), done.stderr)

    def test_other_threads_run(self):
        # The clock of another thread ticks in the middle of the longest stage, where this one runs no Python code.
        ticks, calls, stop = [], [], threading.Event()

        def tick():
            while not stop.wait(0.001):
                ticks.append(time.monotonic())
        rng = numpy.random.default_rng(5)
        hyper = predictor()
        hyper.add(rng.integers(0, 256, (200, 64, 64, 3), numpy.uint8), numpy.arange(200) % 2)
        thread = threading.Thread(target=tick)
        thread.start()
        hyper.predict(progress=lambda stage, done: calls.append(time.monotonic()))
        stop.set()
        thread.join()
        gap, start = max((after - before, before) for before, after in zip(calls, calls[1:]))
        self.assertTrue([t for t in ticks if start + gap / 4 < t < start + 3 * gap / 4])

    def test_one_call_at_a_time(self):
        def calls_again(stage, done):
            self.hyper.clear()
        with self.assertRaisesRegex(hyperpred.Error, "at work in another call"):
            self.hyper.predict(progress=calls_again)
        self.assertEqual(len(self.hyper), 9)

    def test_two_predictors_at_once(self):
        expected = self.hyper.predict().onnx()
        results = []
        threads = [threading.Thread(target=lambda h=predictor(3): results.append(h.predict().onnx())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [expected, expected])


class Update(unittest.TestCase):
    def test_add_and_drop_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as name:
            net, support = pathlib.Path(name, "net.onnx"), pathlib.Path(name, "net.support")
            prediction = predictor(5).predict(class_names=NAMES, keep_support=True)
            prediction.write_onnx(net)
            prediction.write_support(support)
            before = net.read_bytes(), support.read_bytes()
            net.unlink()
            support.unlink()
            with self.assertRaisesRegex(hyperpred.Error, "nowhere"):
                prediction.write_onnx(pathlib.Path(name, "nowhere", "net.onnx"), support)
            self.assertFalse(support.exists())
            prediction.write_onnx(net, support=support)
            self.assertEqual((net.read_bytes(), support.read_bytes()), before)
            updater = hyperpred.Updater(net)
            updater.add([cv2.imread(str(PARTS / f"support/washer/0{i}.jpg")) for i in range(3)], ["washer"] * 3)
            self.assertEqual(updater.class_names, NAMES + ["washer"])
            self.assertEqual(len(updater), 18)
            report = updater.write(net)
            self.assertEqual(report["images"], 18)
            self.assertNotEqual(net.read_bytes(), before[0])
            after = net.read_bytes(), support.read_bytes()
            with self.assertRaisesRegex(hyperpred.Cancelled, 'cancelled in stage "net"'):
                updater.write(net, progress=lambda stage, done: stage != "net")
            with self.assertRaisesRegex(ZeroDivisionError, "by zero"):
                updater.add([cv2.imread(str(PARTS / "support/washer/05.jpg"))], ["washer"], progress=lambda *_: 1 / 0)
            self.assertEqual(len(updater), 18)
            updater.write(net)  # nobody is asked any more
            self.assertEqual((net.read_bytes(), support.read_bytes()), after)
            again = hyperpred.Updater(net, support)
            again.drop("washer")
            again.rename("gear", "cog")
            again.rename("cog", "gear")
            again.write(net, support)
            self.assertEqual((net.read_bytes(), support.read_bytes()), before)
            with self.assertRaisesRegex(hyperpred.Error, "axle"):
                again.drop("axle")

    def test_one_call_at_a_time(self):
        with tempfile.TemporaryDirectory() as name:
            net = pathlib.Path(name, "net.onnx")
            prediction = predictor(3).predict(class_names=NAMES, keep_support=True)
            prediction.write_onnx(net)
            prediction.write_support(net.with_suffix(".support"))
            updater = hyperpred.Updater(net)
            given = [numpy.full((64, 64, 3), i, numpy.uint8) for i in range(100)]
            thread = threading.Thread(target=updater.add, args=(given, ["grey"] * 100))
            thread.start()
            refused = []
            while thread.is_alive():
                try:
                    updater.class_names
                except hyperpred.Error as error:
                    refused.append(str(error))
            thread.join()
            self.assertEqual(set(refused),
                             {"the updater is at work in another call; use one updater a thread"})
            self.assertEqual(updater.class_names, NAMES + ["grey"])

    def test_support_must_have_been_kept(self):
        prediction = predictor(2).predict()
        with tempfile.TemporaryDirectory() as name:
            for write in (prediction.write_support, prediction.write_model):
                with self.assertRaisesRegex(hyperpred.Error, "keep"):
                    write(pathlib.Path(name, "file"))
            self.assertEqual(list(pathlib.Path(name).iterdir()), [])


class Package(unittest.TestCase):
    def test_suspects(self):
        given, labels = images("support", 11)
        labels[3] = 2  # a bolt among the springs
        hyper = predictor()
        hyper.add(given, labels)
        suspect = hyper.predict().suspects[0]
        self.assertEqual((suspect.image, suspect.label, suspect.predicted), (3, 2, 0))
        self.assertGreater(suspect.margin, 0)
        self.assertTrue(repr(suspect).startswith("Suspect(image=3, label=2, predicted=0, margin="))
        without = hyper.predict(drop_suspects=1)
        self.assertEqual([dropped.image for dropped in without.dropped], [3])

    def test_info_and_clear(self):
        hyper = predictor(1, backend="cpu", threads=1)
        self.assertEqual(hyper.info()["architecture"]["name"], "resnet18")
        self.assertEqual(len(hyper), 3)
        hyper.clear()
        self.assertEqual(len(hyper), 0)

    def test_imports_in_any_order(self):
        for code in ("import hyperpred, cv2", "import cv2, hyperpred", "import hyperpred"):
            done = subprocess.run([sys.executable, "-c", code + "; print(hyperpred.HyperPredictor.__doc__)"],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("without a training run", done.stdout)

    def test_typed(self):
        """Names, parameters and their order are the same in the stub and in the module, and all have a docstring."""
        folder = pathlib.Path(hyperpred.__file__).parent
        self.assertTrue((folder / "py.typed").exists())
        tree = ast.parse((folder / "__init__.pyi").read_text(encoding="utf-8"))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.assertEqual(set(classes) | {"__version__"}, set(hyperpred.__all__))
        for name, node in classes.items():
            bound = getattr(hyperpred, name)
            self.assertTrue(inspect.getdoc(bound), name)
            if issubclass(bound, (Exception, tuple)):
                continue
            self.assertEqual(bound.__module__, "hyperpred")
            stub = {f.name: f for f in node.body if isinstance(f, ast.FunctionDef)}
            there = {key for key in vars(bound) if not key.startswith("_") or key == "__len__"}
            self.assertEqual(set(stub) - {"__init__"}, there, name)
            for key, function in stub.items():
                document = inspect.getdoc(getattr(bound, key))
                self.assertTrue(document, f"{name}.{key}")
                if key == "to_cv2_net" or any(isinstance(d, ast.Name) for d in function.decorator_list):
                    continue  # written in Python, or a property
                signature = document.splitlines()[0]
                arguments = function.args.args[1:] + function.args.kwonlyargs
                places = [signature.find(f" {argument.arg}: ") for argument in arguments]
                self.assertNotIn(-1, places, f"{signature} in {name}.{key}")
                self.assertEqual(places, sorted(places))
                self.assertEqual(signature.count(": "), len(arguments) + 1, f"{signature} in {name}.{key}")


if __name__ == "__main__":
    unittest.main()
