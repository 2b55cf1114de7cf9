#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""Presses the tab key: what bash, zsh and fish make of the beginning of a command with hyperpred's completions.

usage: completion.py BUILD_DIR

bash and zsh run in a terminal of their own, as for a user; fish says itself what it would offer.
"""
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time

SECONDS = 30

# What is typed before the tab key, and what stands there afterwards ...
COMPLETED = [
    ("hyperpred pre", "hyperpred predict "),
    ("hyperpred doc", "hyperpred doctor "),
    ("hyperpred predict --drop-s", "hyperpred predict --drop-suspects "),
    ("hyperpred predict shots --head co", "hyperpred predict shots --head cosine "),
    ("hyperpred predict shots --out uni", "hyperpred predict shots --out unique.onnx "),
    ("hyperpred predict shots -m uni", "hyperpred predict shots -m unique.onnx "),
    ("hyperpred classify uni", "hyperpred classify unique.onnx "),
    ("hyperpred evaluate unique.onnx sho", "hyperpred evaluate unique.onnx shots/"),
    ("hyperpred_bench label", "hyperpred_bench label_errors "),
    ("hyperpred_bench gpu --arch", "hyperpred_bench gpu --architecture "),
    ("hyperpred_bench accuracy --work sho", "hyperpred_bench accuracy --work shots/"),
]
# ... and where nothing may be added: a number has no completion, another command's option none here.
LEFT = ["hyperpred predict shots --sample uni", "hyperpred info --out", "hyperpred frobnicate --he"]


class Terminal:
    """A shell at a terminal, where Ctrl-T writes the line as it stands into the file `line`."""

    def __init__(self, command, folder, environment, start):
        self.line = pathlib.Path(folder, "line")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        os.write(self.terminal, (start + "; PS1='rea''dy>'\n").encode())
        self.wait_for(lambda shown: "ready>" in shown)  # shown when the line is read key by key

    def wait_for(self, done):
        """Reads what the shell shows, which it would wait for otherwise, until `done` is content."""
        shown, end = "", time.monotonic() + SECONDS
        while not done(shown):
            if time.monotonic() > end:
                raise TimeoutError(f"the shell does not answer: {shown!r}")
            if select.select([self.terminal], [], [], 0.02)[0]:
                shown += os.read(self.terminal, 4096).decode(errors="replace")

    def completed(self, typed):
        self.line.unlink(missing_ok=True)
        os.write(self.terminal, (typed + "\t\x14\x15").encode())  # tab, Ctrl-T, and Ctrl-U clears the line
        self.wait_for(lambda _: self.line.exists() and self.line.read_text().endswith("|"))
        return self.line.read_text()[:-1]

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def in_terminal(*arguments):
    terminal = Terminal(*arguments)
    for typed in [typed for typed, _ in COMPLETED] + LEFT:
        yield typed, terminal.completed(typed)
    terminal.close()


def bash(build, folder, environment):
    return in_terminal(["bash", "--norc", "--noprofile", "-i"], folder, environment,
                       f"for f in {build}/pages/*.bash; do . $f; done; "
                       """bind -x '"\\C-t": printf "%s|" "$READLINE_LINE" >line'""")


def zsh(build, folder, environment):
    return in_terminal(["zsh", "-f", "-i"], folder, environment,
                       f"fpath=({build}/pages $fpath); autoload -U compinit; compinit -D -u; bindkey -e; "
                       """show() { print -rn -- "$BUFFER|" >line }; zle -N show; bindkey '^T' show""")


def fish(build, folder, environment):
    for typed in [typed for typed, _ in COMPLETED] + LEFT:
        program = typed.split()[0]
        script = f"source {build}/pages/{program}.fish; complete -C {typed!r}"
        offered = subprocess.run(["fish", "--no-config", "-c", script], cwd=folder, env=environment, text=True,
                                 stdout=subprocess.PIPE, check=True).stdout.splitlines()
        words = [line.split("\t")[0] for line in offered]
        start, last = typed.rsplit(" ", 1)
        if len(words) == 1 and words[0].startswith(last):
            typed_out = f"{start} {words[0]}" + ("" if words[0].endswith("/") else " ")
        else:
            typed_out = typed
        yield typed, typed_out


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    environment = dict(os.environ, PATH=f"{build / 'bin'}:{os.environ['PATH']}", TERM="dumb", HISTFILE="")
    failures, asked = 0, 0
    with tempfile.TemporaryDirectory(prefix="completion-") as folder:
        environment["HOME"] = folder
        pathlib.Path(folder, "shots").mkdir()
        pathlib.Path(folder, "unique.onnx").touch()
        expected = dict(COMPLETED, **{typed: typed for typed in LEFT})
        for shell in (bash, zsh, fish):
            for typed, answer in shell(build, folder, environment):
                asked += 1
                if answer != expected[typed]:
                    failures += 1
                    print(f"FAILED: {shell.__name__}: {typed!r} became {answer!r}, not {expected[typed]!r}")
    print(f"{asked} asked, {failures} failures")
    return 1 if failures or asked != 3 * len(expected) else 0


if __name__ == "__main__":
    sys.exit(main())
