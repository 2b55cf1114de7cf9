#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Opens report pages in a headless Chromium, as phones and a desktop show them, light and dark.

usage: run.py BUILD_DIR SOURCE_DIR [SCREENSHOT_DIR]

Runs `hyperpred predict --report` and `evaluate --report` on the bundled parts, then on a copy with hostile names and
on a copy of 100 classes, and fails where a page
  - writes to the console, throws, or asks for anything but itself,
  - scrolls sideways at 360, 390 or 1280 pixels,
  - has a picture that does not load or has no alternative text,
  - has text of a contrast below 4.5 : 1 in the light or the dark scheme,
  - has a table without headers, a heading out of order or an identifier twice,
  - lacks a section, exceeds its size or does not print.
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import cv2  # Debian's python3-opencv, which the tests have anyway

sys.dont_write_bytecode = True  # nothing is written into the source tree
from chromium import Browser  # noqa: E402

WIDTHS = (360, 390, 1280)
LEAST_CONTRAST = 4.5  # WCAG 2.1, AA, for text of the usual size
ALWAYS = ["classes", "confusion", "reliability", "rejection", "choice"]  # sections of every page
MOST_BYTES = 3_000_000
CHECKS = (pathlib.Path(__file__).parent / "checks.js").read_text(encoding="utf-8")


def check_page(browser, page, sections, shots, failures, schemes=("light", "dark"), widths=WIDTHS):
    def say(text):
        failures.append(f"{page.name}: {text}")

    if page.stat().st_size > MOST_BYTES:
        say(f"{page.stat().st_size} bytes, at most {MOST_BYTES} are promised")
    for width in widths:
        for scheme in schemes:
            browser.show(width, scheme)
            browser.open(page)
            faults = browser.evaluate(f"({CHECKS})({width}, {LEAST_CONTRAST})")
            for text in faults + sorted(set(browser.complaints(page))):
                say(f"{width} px, {scheme}: {text}")
            if shots and width != 360:
                browser.screenshot(shots / f"{page.stem}-{width}-{scheme}.png")
    missing = browser.evaluate(f"{json.dumps(ALWAYS + sections)}.filter((id) => !document.getElementById(id))")
    if missing:
        say(f"lacks {missing}")
    browser.show(1280, "light", "print")
    pdf = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    if pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") > 30:
        say("prints on more than 30 sheets")
    if not pdf.startswith(b"%PDF"):
        say("does not print")
    if shots:
        (shots / f"{page.stem}.pdf").write_bytes(pdf)


def check_escapes(browser, page, names, failures):
    """That names stand on the page as text. `names` are as a reader should see them."""
    browser.open(page)
    text = browser.evaluate("document.body.textContent")
    for name in names:
        if name not in text:
            failures.append(f"{page.name}: {name!r} does not stand on the page")
    if browser.evaluate("document.querySelectorAll('main b, main i, main u').length - "
                        "document.querySelectorAll('.tiles b, .matrix b').length"):
        failures.append(f"{page.name}: a name became markup")


# Names of folders as bytes, and as they should be read.
HOSTILE = {b"<script>alert(1)": "<script>alert(1)",
           b"<u>\"><img src=x onerror=alert(2)>": "<u>\"><img src=x onerror=alert(2)>",
           b"&lt;b&gt; 'quoted'": "&lt;b&gt; 'quoted'",
           b"bad \xff\xfe bytes": "bad \ufffd\ufffd bytes",
           b"new\nline": "new\u240aline",
           "\u0645\u0633\u0645\u0627\u0631 \u202eright".encode(): "\u0645\u0633\u0645\u0627\u0631 \u202eright",
           b"n" * 200: "n" * 29}


def hostile_copy(parts, folder):
    """Seven classes of twelve parts each under hostile names: two conflicts, a copy, and file names of odd bytes."""
    for kind, name in zip(sorted(p for p in (parts / "support").iterdir()), HOSTILE):
        target = os.path.join(os.fsencode(folder), name)
        os.mkdir(target)
        for number, image in enumerate(sorted(kind.iterdir())[:12]):
            shutil.copy(image, os.path.join(target, b"\xe9 <i>%02d.jpg" % number))
    first, second = (os.path.join(os.fsencode(folder), name) for name in list(HOSTILE)[:2])
    for number in (b"00", b"02"):  # the surest suspects: one is dropped, the other stays
        shutil.copy(os.path.join(first, b"\xe9 <i>%s.jpg" % number), os.path.join(second, b"conflict %s.jpg" % number))
    shutil.copy(os.path.join(first, b"\xe9 <i>01.jpg"), os.path.join(first, b"copy.jpg"))


def many_classes(parts, folder, count):
    """`count` classes of three images: the ten kinds, each turned and with its colours in other places."""
    kinds = sorted(p for p in (parts / "support").iterdir())
    for c in range(count):
        kind, variant = kinds[c % len(kinds)], c // len(kinds)
        target = folder / f"{kind.name} {variant:02d}"
        target.mkdir(parents=True)
        for number, path in enumerate(sorted(kind.iterdir())[variant % 12 * 3:][:3]):
            image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2HSV)
            image[..., 0] = (image[..., 0].astype(int) + variant * 17) % 180
            cv2.imwrite(str(target / f"{number}.jpg"), cv2.rotate(cv2.cvtColor(image, cv2.COLOR_HSV2BGR), variant % 3))


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"report_pages: {command[1]} failed: {done.stderr.decode(errors='replace')}")


def make_pages(tool, source, work):
    parts, model = source / "data/images/parts", source / "data/models/resnet18.safetensors"
    line = work / "line"  # held-out parts and strangers
    shutil.copytree(parts / "heldout", line)
    shutil.copytree(parts / "unknown", line / "stranger")
    hostile = work / "hostile"
    hostile.mkdir()
    hostile_copy(parts, hostile)
    run(tool, "predict", parts / "support", "--model", model, "--out", work / "net.onnx", "--rejected", "0.05",
        "--report", work / "predict.html")
    run(tool, "evaluate", work / "net.onnx", line, "--report", work / "evaluate.html")
    run(tool, "predict", hostile, "--model", model, "--out", work / "hostile.onnx", "--drop-suspects", "1", "--report",
        work / "hostile.html")
    many_classes(parts, work / "many", 100)
    run(tool, "predict", work / "many", "--model", model, "--out", work / "many.onnx", "--report", work / "many.html")
    run(tool, "evaluate", work / "hostile.onnx", hostile, "--report", work / "hostile-evaluate.html")


def main():
    build, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    shots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    program = shutil.which("chromium")
    if program is None:
        sys.exit("report_pages: no chromium in PATH; Debian's package of that name is expected")
    failures = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Chromium may still tidy up
        work = pathlib.Path(folder)
        make_pages(build / "bin/hyperpred", source, work)
        browser = Browser(program, work / "profile")
        try:
            check_page(browser, work / "predict.html", ["pairs", "suspects", "copies", "times"], shots, failures)
            check_page(browser, work / "evaluate.html", ["pairs", "suspects", "strangers"], shots, failures)
            check_page(browser, work / "hostile.html", ["dropped", "copies", "times"], shots, failures)
            check_page(browser, work / "many.html", ["pairs", "suspects"], shots, failures, ["light"], [390, 1280])
            for page in ("hostile.html", "hostile-evaluate.html"):
                check_escapes(browser, work / page, HOSTILE.values(), failures)
        finally:
            browser.close()
        sizes = ", ".join(f"{p.name} {p.stat().st_size} bytes" for p in sorted(work.glob("*.html")))
    for failure in failures:
        print("FAILED:", failure)
    print(f"5 pages ({sizes}) in {program}: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
