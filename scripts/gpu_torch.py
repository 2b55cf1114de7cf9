#!/usr/bin/env python3
"""The rows of `hyperpred_bench gpu` in PyTorch, as the yardstick (scripts/gpu_check.sh runs the two in turns).

The same pipeline with random weights: hypernetwork (GRU with feedback, residual generators), calibration of the
sample, features of all images, X'X, a ridge head, weights to the host. The images are drawn alike; top1_percent says
how many of them the head names rightly, so that no variant is fast by being wrong. Variants: eager (float, TF32
allowed), half (fp16, channels last), compiled (torch.compile on top of half) and graph (half, the network captured in
a CUDA graph). Prints one JSON line. What is known after each variant is written to --json, so that a run that is cut
off leaves the variants before; compiling, which takes longest, comes last.
"""
import argparse
import json
import os
import statistics
import time

import torch
import torch.nn.functional as F

CLASSES = 20
SAMPLE = 1000
CHUNK = 512
WIDTH, EMBEDDING, RANK, BOTTLENECK = 256, 64, 8, 16


class Architecture:
    def __init__(self, path):
        with open(path) as file:
            document = json.load(file)
        self.name, self.size = document["name"], document["input"]["size"]
        self.mean, self.std = document["input"]["mean"], document["input"]["std"]
        self.nodes, self.stages = document["layers"], document["stages"][-3:]
        channels = {"image": 3}
        self.convs, self.norms = [], {}
        for node in self.nodes:
            source = node["inputs"][0] if "inputs" in node else node["input"]
            inside = channels[source]
            channels[node["name"]] = node.get("out", inside)
            if node["op"] == "conv":
                self.convs.append((node["name"], node["out"], inside, node["kernel"]))
            if node["op"] == "batch_norm":
                self.norms[node["name"]] = (inside, source)
        self.columns = sum(channels[stage] for stage in self.stages)


class Hypernetwork(torch.nn.Module):
    """Sketch MLP, one GRU step a layer, a residual generator a layer (doc/model.md)."""

    def __init__(self, architecture):
        super().__init__()
        self.architecture = architecture
        pooled = 4 * 24
        self.sketch = torch.nn.Sequential(torch.nn.LayerNorm(pooled), torch.nn.Linear(pooled, WIDTH), torch.nn.GELU(),
                                          torch.nn.Linear(WIDTH, WIDTH))
        self.described = torch.nn.Parameter(torch.randn(len(architecture.convs), EMBEDDING))
        self.cell = torch.nn.GRUCell(EMBEDDING + WIDTH, WIDTH)
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.film, self.bottleneck, self.out, self.inside = (torch.nn.ModuleList() for _ in range(4))
        self.base = torch.nn.ParameterList()
        for _, out, inside, kernel in architecture.convs:
            self.film.append(torch.nn.Linear(WIDTH, 2 * out + inside))
            self.bottleneck.append(torch.nn.Linear(WIDTH, BOTTLENECK, bias=False))
            self.out.append(torch.nn.Linear(BOTTLENECK, RANK * out, bias=False))
            self.inside.append(torch.nn.Linear(BOTTLENECK, RANK * inside * kernel * kernel))
            self.base.append(torch.nn.Parameter(torch.randn(out, inside, kernel, kernel) *
                                                (2 / (inside * kernel * kernel)) ** 0.5))

    def forward(self, pooled):
        hidden = self.sketch(pooled)[None]
        output = self.norm(hidden)
        weights = {}
        for index, (name, out, inside, kernel) in enumerate(self.architecture.convs):
            hidden = self.cell(torch.cat([self.described[index][None], output], 1), hidden)
            output = self.norm(hidden)
            gains = self.film[index](output)[0]
            small = self.bottleneck[index](output)
            u = self.out[index](small).view(RANK, out)
            v = self.inside[index](small).view(RANK, -1)
            scaled = self.base[index] * (1 + gains[2 * out:])[None, :, None, None]
            weights[name] = (scaled + (u.t() @ v).view_as(scaled), 1 + gains[:out], gains[out:2 * out])
        return weights


def run_network(architecture, weights, images, statistics=None, found=None):
    """Features (N x columns). Without `statistics` every batch-norm takes the batch's own and leaves them in `found`."""
    held = {"image": images}
    pooled = []
    for node in architecture.nodes:
        name, op = node["name"], node["op"]
        x = held[node["inputs"][0] if "inputs" in node else node["input"]]
        if op == "conv":
            y = F.conv2d(x, weights[name][0], stride=node["stride"], padding=node["pad"])
        elif op == "batch_norm":
            _, gamma, beta = weights[architecture.norms[name][1]]
            if statistics is None:
                values = x.float()
                mean, variance = values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)
                found[name] = (mean, variance)
            else:
                mean, variance = statistics[name]
            y = F.batch_norm(x, mean, variance, gamma.float(), beta.float(), False, 0.0, 1e-5)
        elif op == "relu":
            y = F.relu(x)
        elif op == "add":
            y = x + held[node["inputs"][1]]
        elif op == "max_pool":
            y = F.max_pool2d(x, node["kernel"], node["stride"], node.get("pad", 0))
        else:
            raise ValueError(f"{op} is in none of the measured architectures")
        held[name] = y
        if name in architecture.stages:
            pooled.append(y.float().square().mean((2, 3)).sqrt())
    return torch.cat(pooled, 1)


class Pipeline:
    def __init__(self, architecture, variant, images, device):
        self.architecture, self.variant, self.device = architecture, variant, device
        self.hyper = Hypernetwork(architecture).to(device).eval()
        self.dtype = torch.float32 if variant == "eager" else torch.float16
        self.layout = torch.contiguous_format if variant == "eager" else torch.channels_last
        self.mean = torch.tensor(architecture.mean, device=device)[None, :, None, None]
        self.std = torch.tensor(architecture.std, device=device)[None, :, None, None]
        count = images
        self.labels = torch.arange(count, device=device) % CLASSES
        label, channel = (torch.arange(count) % CLASSES)[:, None], torch.arange(3)[None, :]
        colour = 40 + (label * 37 + channel * (label * 11 + 29)) % 150  # of its class, as in tools/bench/gpu.cpp
        bytes_ = torch.randint(0, 60, (count, architecture.size, architecture.size, 3), dtype=torch.uint8)
        bytes_ += colour[:, None, None, :].to(torch.uint8)
        self.pixels = bytes_.pin_memory() if device.type == "cuda" else bytes_
        self.generate = self.hyper
        self.network = lambda weights, batch, statistics: run_network(architecture, weights, batch, statistics)
        if variant == "compiled":
            self.generate = torch.compile(self.hyper)
            self.network = torch.compile(self.network)
        self.graph = self.loaded = None

    def upload(self, first, count):
        raw = self.pixels[first:first + count].to(self.device, non_blocking=True)
        planes = (raw.flip(3).permute(0, 3, 1, 2).float() - self.mean) / self.std
        return planes.to(self.dtype).contiguous(memory_format=self.layout)

    def sketch_vector(self, images):
        """Stands for the 24 statistics of the runtime's encoder: means, deviations and gradients."""
        small = F.adaptive_avg_pool2d(images.float(), 32)
        parts = [small.mean((2, 3)), small.std((2, 3)), (small[..., 1:] - small[..., :-1]).abs().mean((2, 3)),
                 (small[:, :, 1:] - small[:, :, :-1]).abs().mean((2, 3))]
        per_image = torch.cat(parts + parts, 1)
        labels = self.labels[:len(images)]
        counts = torch.bincount(labels, minlength=CLASSES)[:, None].float()
        means = torch.zeros(CLASSES, 24, device=self.device).index_add(0, labels, per_image) / counts
        within = torch.zeros(CLASSES, 24, device=self.device).index_add(0, labels, per_image ** 2) / counts - means ** 2
        return torch.cat([per_image.mean(0), per_image.std(0), within.clamp(min=0).sqrt().mean(0), means.std(0)])

    def cast(self, weights):
        return {name: (kernel.to(self.dtype).contiguous(memory_format=self.layout), gamma, beta)
                for name, (kernel, gamma, beta) in weights.items()}

    def features(self, weights, batch, statistics):
        if self.variant != "graph":
            return self.network(weights, batch, statistics)
        if self.graph is None:
            self.static = (batch.clone(), {k: tuple(t.clone() for t in v) for k, v in weights.items()},
                           {k: tuple(t.clone() for t in v) for k, v in statistics.items()})
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    run_network(self.architecture, self.static[1], self.static[0], self.static[2])
            torch.cuda.current_stream().wait_stream(side)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.result = run_network(self.architecture, self.static[1], self.static[0], self.static[2])
        if self.loaded is not weights:  # once a prediction, as the statistics
            for kept, given in ((self.static[1], weights), (self.static[2], statistics)):
                for name in kept:
                    for to, value in zip(kept[name], given[name]):
                        to.copy_(value)
            self.loaded = weights
        self.static[0].copy_(batch)
        self.graph.replay()
        return self.result.clone()

    @torch.no_grad()
    def __call__(self):
        count = len(self.pixels)
        sample = min(SAMPLE, count)
        first = self.upload(0, sample)
        weights = self.cast(self.generate(self.sketch_vector(first)))
        found = {}
        rows = [run_network(self.architecture, weights, first, None, found)]
        for start in range(sample, count, CHUNK):
            batch = self.upload(start, min(CHUNK, count - start))
            missing = CHUNK - len(batch) if self.variant in ("graph", "compiled") else 0
            if missing:
                filled = F.pad(batch, (0, 0, 0, 0, 0, 0, 0, missing)).contiguous(memory_format=self.layout)
                rows.append(self.features(weights, filled, found)[:len(batch)])
            else:
                rows.append(self.features(weights, batch, found))
        features = torch.cat(rows).double()
        features = self.rows = features - features.mean(0)
        targets = F.one_hot(self.labels, CLASSES).double()
        gram = features.t() @ features
        gram.diagonal().add_(1e-2 * gram.diagonal().mean())
        head = torch.linalg.solve(gram, features.t() @ targets)
        return head.cpu(), {name: kernel.float().cpu() for name, (kernel, _, _) in weights.items()}

    def top1_percent(self):
        head, _ = self()
        return 100 * float(((self.rows @ head.to(self.device)).argmax(1) == self.labels).double().mean())

    @torch.no_grad()
    def hypernetwork(self):
        return self.generate(torch.full((96,), 0.3, device=self.device))


def timed(call, rounds, device):
    times = []
    for _ in range(rounds):
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return {"median_ms": statistics.median(times), "least_ms": min(times), "most_ms": max(times), "rounds": rounds}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--architecture", default="data/architectures/resnet18_cifar.json")
    options.add_argument("--images", type=int, default=10000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--variants", default="eager,half,graph,compiled")
    options.add_argument("--device", default="cuda")
    options.add_argument("--json")
    given = options.parse_args()
    torch.manual_seed(7)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    device = torch.device(given.device)
    architecture = Architecture(given.architecture)
    result = {"architecture": architecture.name, "images": given.images, "torch": torch.__version__,
              "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu", "variants": {}}
    for variant in given.variants.split(","):
        try:
            pipeline = Pipeline(architecture, variant, given.images, device)
            for _ in range(2):  # compiles, chooses routines, captures
                pipeline()
                pipeline.hypernetwork()
            result["variants"][variant] = {"end_to_end": timed(pipeline, given.rounds, device),
                                           "hypernetwork": timed(pipeline.hypernetwork, 4 * given.rounds, device),
                                           "top1_percent": pipeline.top1_percent()}
        except Exception as error:  # a variant that this machine cannot run must not hide the others
            result["variants"][variant] = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(variant, json.dumps(result["variants"][variant]), flush=True)
        if given.json:
            with open(given.json + ".new", "w") as file:
                json.dump(result, file, indent=2)
            os.replace(given.json + ".new", given.json)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
