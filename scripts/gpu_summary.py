#!/usr/bin/env python3
"""Sums up what scripts/gpu_check.sh has left in a folder of details and prints the rows of the targets.

    gpu_summary.py DETAILS [SUMMARY.json]

Details of several calls or machines may be unpacked over each other into one folder.
"""
import glob
import json
import os
import re
import statistics
import sys


def read(path):
    """None where there is no such file, only half of it, or figures of the CPU that took over from a device."""
    try:
        with open(path) as file:
            document = json.load(file)
    except (OSError, ValueError):
        return None
    return None if "(instead of" in document.get("device_at_the_end", "") else document


def load(pattern, details):
    found = {}
    for path in sorted(glob.glob(os.path.join(details, pattern))):
        document = read(path)
        if document is not None:
            found[os.path.basename(path)[:-5]] = document
    return found


def outcomes(details):
    """{row: what became of it}, of rows.tsv: name, outcome, seconds. What ran again counts as it ended last."""
    found = {}
    try:
        with open(os.path.join(details, "rows.tsv")) as file:
            for line in file:
                name, outcome, seconds = line.rstrip("\n").split("\t")
                found[name] = {"outcome": outcome, "seconds": int(seconds)}
    except OSError:
        pass
    return found


def median_of(runs, *keys):
    values = []
    for run in runs:
        for key in keys:
            run = run.get(key, {}) if isinstance(run, dict) else {}
        if isinstance(run, (int, float)):
            values.append(run)
    return statistics.median(values) if values else None


def architecture_of(name):
    return re.match(r"(?:bench|torch|fused)_(.*)_\d+$", name).group(1)


def at(document, *keys):
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def targets(summary):
    """Every row of the targets for a GPU: what, measured (None: not yet), bar, whether less is better."""
    rows = summary["rows"]
    cifar, plain = rows.get("resnet18_cifar"), rows.get("resnet18")
    agreement = at(summary, "model", "agreement_with_cpu")
    return [("hypernetwork alone, resnet18, ms", at(plain, "hypernetwork_ms"), 0.5, True),
            ("hypernetwork, times faster than PyTorch eager", at(plain, "hypernetwork_times_faster_than_eager"), 8, False),
            ("10,000 images of 32 px, resnet18_cifar, ms", at(cifar, "end_to_end_ms"), 50, True),
            ("10,000 images of 64 px, resnet18, ms", at(plain, "end_to_end_ms"), 25, True),
            ("times faster than the best PyTorch, 32 px", at(cifar, "times_faster_than_torch"), 2, False),
            ("times faster than the best PyTorch, 64 px", at(plain, "times_faster_than_torch"), 2, False),
            ("cold process, 1,000 images, ms", at(summary, "cold", "cold_ms"), 2000, True),
            ("weights off the CPU's", at(agreement, "weights"), 1e-5, True),
            ("features off the CPU's", at(agreement, "features"), 2e-3, True),
            ("same answer as the CPU, percent", at(agreement, "top1_percent"), 99.5, False),
            ("bit-equal of 100 runs", at(plain, "repeated", "bit_equal"), 100, False)]


def print_targets(summary):
    for what, value, bar, less in summary["targets"]:
        if value is None or not summary["device"]:
            verdict = "waits for a GPU"
        else:
            verdict = "met" if (value <= bar if less else value >= bar) else "MISSED"
        print(f"{what:<48} {'-' if value is None else f'{value:.6g}':>12}  bar {bar:<8g} {verdict}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: gpu_summary.py DETAILS [SUMMARY.json]")
    details = sys.argv[1]
    ours, torch = load("bench_*.json", details), load("torch_*.json", details)
    fused = load("fused_*_*.json", details)
    machine, ran = read(os.path.join(details, "machine.json")) or {}, outcomes(details)
    summary = {"mode": machine.get("mode"), "device": machine.get("device") or None, "ran": ran,
               "failed": [name for name, row in ran.items() if row["outcome"].startswith("FAILED")],
               "waiting": [f"{name}: {row['outcome'][7:]}" for name, row in ran.items()
                           if row["outcome"].startswith("waits: ")], "rows": {}}
    for architecture in sorted({architecture_of(name) for name in ours}):
        mine = [run for name, run in ours.items() if architecture_of(name) == architecture]
        theirs = [run for name, run in torch.items() if architecture_of(name) == architecture]
        row = {"device": mine[0]["device"],
               "images": mine[0]["images"],
               "end_to_end_ms": median_of(mine, "end_to_end", "median_ms"),
               "times_the_floor": median_of(mine, "end_to_end", "times_the_floor"),
               "forward_tflops": median_of(mine, "end_to_end", "forward_tflops"),
               "all_features_at_once_ms": median_of(mine, "end_to_end", "all_features_at_once_ms"),
               "hypernetwork_ms": median_of(mine, "hypernetwork", "median_ms"),
               "stages_ms": mine[0]["end_to_end"]["stages_ms"],
               "routines": mine[0].get("routines"),
               "repeated": mine[0]["repeated"],
               "top1_percent": median_of(mine, "top1_percent")}
        compiled = [run for name, run in fused.items() if architecture_of(name) == architecture]
        if compiled:
            row["fused"] = {"end_to_end_ms": median_of(compiled, "end_to_end", "median_ms"),
                            "cold_ms": median_of(compiled, "cold_ms"), "routines": compiled[0].get("routines")}
        variants = sorted({variant for run in theirs for variant in run["variants"]})
        row["torch_ms"] = {v: median_of(theirs, "variants", v, "end_to_end", "median_ms") for v in variants}
        row["torch_hypernetwork_ms"] = {v: median_of(theirs, "variants", v, "hypernetwork", "median_ms")
                                        for v in variants}
        row["torch_top1_percent"] = {v: median_of(theirs, "variants", v, "top1_percent") for v in variants}
        best = [ms for ms in row["torch_ms"].values() if ms]
        if best and row["end_to_end_ms"]:
            row["times_faster_than_torch"] = min(best) / row["end_to_end_ms"]
        eager = row["torch_hypernetwork_ms"].get("eager")
        if eager and row["hypernetwork_ms"]:
            row["hypernetwork_times_faster_than_eager"] = eager / row["hypernetwork_ms"]
        summary["rows"][architecture] = row
    for name in ("model", "cold", "exact", "fused"):
        document = read(os.path.join(details, name + ".json"))
        if document is not None:
            summary[name] = document
    summary["targets"] = targets(summary)
    if len(sys.argv) == 3:
        with open(sys.argv[2] + ".new", "w") as file:
            json.dump(summary, file, indent=2)
        os.replace(sys.argv[2] + ".new", sys.argv[2])
    for architecture, row in summary["rows"].items():
        print(f"{architecture}: {row['end_to_end_ms']:.1f} ms for {row['images']} images on {row['device']}, "
              f"hypernetwork {row['hypernetwork_ms']:.3f} ms, top-1 {row['top1_percent']} %, "
              f"torch {row['torch_ms'] or 'not measured'}, top-1 {row['torch_top1_percent']}")
    for name, row in ran.items():
        if row["outcome"] != "ok":
            print(f"{name}: {row['outcome']}")
    agreement = summary.get("model", {}).get("agreement_with_cpu")
    if agreement:
        print(f"agreement with the CPU, trained weights: {json.dumps(agreement)}")
    print_targets(summary)
    print(f"failed: {', '.join(summary['failed']) or 'none'}; waiting: {len(summary['waiting'])}")


if __name__ == "__main__":
    main()
