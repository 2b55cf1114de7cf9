#!/usr/bin/env bash
# Predicts a ResNet-18 for the bundled images with the bundled hypernetwork and shows how good it is.
# On a fresh Debian 12: installs what it needs, builds, predicts, evaluates. Results: out/net.onnx, out/report.html.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/packages.sh
hyperpred_install "${HYPERPRED_BUILD_PACKAGES[@]}"

build=build/run
mkdir -p "$build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHYPERPRED_TESTS=OFF -DHYPERPRED_TRAINER=OFF \
    -DHYPERPRED_SAMPLES=OFF >"$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
cmake --build "$build" --target hyperpred

mkdir -p out
echo
"$build/bin/hyperpred" predict data/images/parts/support --model data/models/resnet18.safetensors \
    --out out/net.onnx --report out/report.html
echo
echo "on the held-out images:"
"$build/bin/hyperpred" evaluate out/net.onnx data/images/parts/heldout
echo
echo "the network: out/net.onnx   the report: out/report.html"
