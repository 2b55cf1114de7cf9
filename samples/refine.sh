#!/usr/bin/env bash
# Predicts a network, trains its weights for some epochs on the same images, and predicts again from what came out.
# usage: refine.sh DIR MODEL OUT.onnx [options of hyperpred_train refine, e.g. --set base.epochs=10]
set -euo pipefail
if [ $# -lt 3 ]; then sed -n '2,3s/^# //p' "$0" >&2; exit 2; fi
dir=$1 model=$2 out=$3
shift 3
folder=$(mktemp -d "$(dirname "$out")/refine.XXXXXX")
trap 'rm -rf "$folder"' EXIT

hyperpred predict "$dir" --model "$model" --out "$folder/start.onnx" --keep-weights "$folder/start.safetensors"
size=$(hyperpred info "$folder/start.safetensors" --json | grep -A4 '"input"' | grep -m1 -oE '[0-9]{2,}')
hyperpred_train pack "$dir" --size "$size" --out "$folder/support.pack"
hyperpred_train refine "$folder/start.safetensors" "$folder/support.pack" --out "$folder/refined.safetensors" "$@"
hyperpred predict "$dir" --model "$folder/refined.safetensors" --out "$out"
