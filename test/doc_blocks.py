#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Runs every code block of the documentation, so that what is written there works.

usage: doc_blocks.py BUILD_DIR SOURCE_DIR [DOCUMENT ...]

A block names its language. The blocks of a document run one after another in one scratch folder that holds `data`, with
the tools first in PATH:
  sh      by bash, stops at the first command that fails
  cpp     compiled against the public header and run; statements become a main(), #include lines go to the top
  python  by Debian's python3, with the built binding in PYTHONPATH where there is one
  json    parsed
  text    not code: output, layouts, synopses
An HTML comment before a block may prepare it or excuse it:
  <!-- given: CODE -->       put before the block's own lines, in its language
  <!-- then: COMMANDS -->    run by bash after a json block, which lies in block.json
  <!-- not run: REASON -->   printed and counted; the block's syntax is checked where the language has a checker
Links and names of other pages must lead somewhere.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^( {0,3})```(.*)$")
COMMENT = re.compile(r"<!--\s*(given|then|not run):\s*(.*?)\s*-->\s*\Z", re.S)
LANGUAGES = ("sh", "cpp", "python", "json", "text")
SECONDS = 300  # for one block


class Block:
    def __init__(self, line, language, text, before):
        self.line, self.language, self.text = line, language, text
        found = COMMENT.search(before)
        self.directive, self.argument = (found.group(1), found.group(2)) if found else ("", "")


def blocks_of(document):
    blocks, errors, before, inside = [], [], [], None
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None and fence:
            language = fence.group(2).strip()
            if language not in LANGUAGES:
                known = ", ".join(LANGUAGES)
                errors.append(f"{number}: a block of language \"{language}\"; one of {known} is expected")
            inside = (number, language, [])
        elif inside is not None and fence:
            blocks.append(Block(inside[0], inside[1], "\n".join(inside[2]) + "\n", "\n".join(before)))
            inside, before = None, []
        elif inside is not None:
            inside[2].append(line)
        else:
            if line.startswith("    ") and (not before or not before[-1].strip()) and not listed(before):
                errors.append(f"{number}: an indented block; a fence that names its language is expected")
            before.append(line)
    if inside is not None:
        errors.append(f"{inside[0]}: this block has no end")
    return blocks, errors


def listed(before):
    """Whether the last line of text above belongs to a list, under which an indent is no block."""
    text = [line for line in before if line.strip()]
    return bool(text) and re.match(r"\s*([-*]|\d+\.)\s", text[-1]) is not None


def dead_links(document, source):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http:", "https:", "mailto:")) and not (document.parent / target).exists():
            yield f"the link to \"{target}\" leads nowhere"
    for target in re.findall(r"`((?:doc|data|test|samples|scripts|modules)/[\w./-]+)`", text):
        if not (source / target).exists():
            yield f"`{target}` does not exist"
    for target in re.findall(r"`([\w-]+\.md)`", text):
        if not (document.parent / target).exists() and not (source / target).exists():
            yield f"`{target}` does not exist"


class Runner:
    def __init__(self, build, source, folder):
        self.build, self.source, self.folder = build, source, folder
        (folder / "data").symlink_to(source / "data")
        (folder / "out").mkdir()
        self.environment = dict(os.environ, PYTHONPATH=str(build / "python"), MPLBACKEND="Agg",
                                PATH=f"{build / 'bin'}:/usr/bin:/bin:{os.environ.get('PATH', '')}",
                                LD_LIBRARY_PATH=str(build / "modules/hyperpred"))

    def call(self, command, text=None):
        try:
            done = subprocess.run(command, input=text, cwd=self.folder, env=self.environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"did not end within {SECONDS} s"
        return "" if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout[-2000:]}"

    def run(self, block):
        code = (block.argument + "\n" if block.directive == "given" else "") + block.text
        only_check = block.directive == "not run"
        if block.language == "sh":
            return self.call(["bash", "-n"] if only_check else ["bash", "-euo", "pipefail"], code)
        if block.language == "python":
            return self.call(["python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())"] if only_check
                             else ["python3", "-"], code)
        if block.language == "json":
            return self.json(block)
        if block.language == "cpp":
            return self.cpp(code, only_check)
        return ""

    def json(self, block):
        try:
            json.loads(block.text)
        except ValueError as error:
            return str(error)
        (self.folder / "block.json").write_text(block.text, encoding="utf-8")
        return self.call(["bash", "-euo", "pipefail"], block.argument) if block.directive == "then" else ""

    def cpp(self, code, only_check):
        lines = code.splitlines()
        if "int main" not in code:
            top = [line for line in lines if line.startswith("#include")]
            body = [line for line in lines if not line.startswith("#include")]
            lines = ["#include <opencv2/dnn.hpp>", "#include <opencv2/imgcodecs.hpp>", "#include <opencv2/imgproc.hpp>",
                     "#include <iostream>"]
            lines += top + ["int main() {"] + body + ["}"]
        (self.folder / "block.cpp").write_text("\n".join(lines) + "\n", encoding="utf-8")
        compile_it = ["g++", "-std=c++17", "-Wall", "-I", str(self.source / "modules/hyperpred/include"),
                      "-I/usr/include/opencv4", "block.cpp", "-o", "block", "-L", str(self.build / "modules/hyperpred"),
                      "-lopencv_hyperpred", "-lopencv_dnn", "-lopencv_imgcodecs", "-lopencv_imgproc", "-lopencv_core"]
        return self.call(compile_it) or ("" if only_check else self.call(["./block"]))


def main():
    build, source = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    documents = [pathlib.Path(name).resolve() for name in sys.argv[3:]] or sorted(
        [source / "README.md", source / "CONTRIBUTING.md", source / "SECURITY.md", *source.glob("doc/**/*.md"),
         *source.glob("data/**/*.md"), *source.glob("samples/*.md")])
    ran, excused, failed = 0, 0, 0
    for document in documents:
        name = document.relative_to(source)
        blocks, errors = blocks_of(document)
        errors += list(dead_links(document, source))
        with tempfile.TemporaryDirectory(prefix="doc-") as folder:
            runner = Runner(build, source, pathlib.Path(folder))
            for block in (block for block in blocks if block.language in LANGUAGES):
                error = runner.run(block)
                if error:
                    errors.append(f"{block.line}: {error}")
                elif block.directive == "not run":
                    excused += 1
                    print(f"not run: {name}:{block.line} ({block.language}): {block.argument}")
                elif block.language != "text":
                    ran += 1
        for error in errors:
            print(f"FAILED: {name}: {error}")
        failed += len(errors)
    print(f"{len(documents)} documents, {ran} blocks ran, {excused} not run, {failed} failures")
    return 1 if failed or ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
