#!/usr/bin/env bash
# Predicts one network from a folder that several processes read: the same bytes as one run over all of it. GNU
# parallel reads the parts where it is installed, else jobs of the shell do.
# usage: predict_parts.sh DIR MODEL PARTS OUT.onnx [options of hyperpred predict --merge]
set -euo pipefail
if [ $# -lt 4 ]; then sed -n '2,4s/^# //p' "$0" >&2; exit 2; fi
dir=$1 model=$2 parts=$3 out=$4
shift 4
folder=$(mktemp -d "$(dirname "$out")/parts.XXXXXX")
trap 'rm -rf "$folder"' EXIT

read_part() { hyperpred predict "$dir" --model "$model" --partial "$1/$parts" --out "$folder/$1.part" --threads 1; }
if [[ $(parallel --version 2>/dev/null </dev/null) == "GNU parallel"* ]]; then  # moreutils has another of the name
    export -f read_part
    export dir model parts folder
    PARALLEL_SHELL=$BASH parallel --halt now,fail=1 read_part ::: $(seq "$parts")
else
    at_once=$(nproc)
    for ((first = 1; first <= parts; first += at_once)); do
        jobs=()
        for ((k = first; k < first + at_once && k <= parts; ++k)); do
            read_part "$k" &
            jobs+=($!)
        done
        for job in "${jobs[@]}"; do wait "$job"; done
    done
fi
hyperpred predict --merge "$folder"/*.part --model "$model" --out "$out" "$@"
