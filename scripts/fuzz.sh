#!/usr/bin/env bash
# Fuzzes everything that reads files: builds test/fuzz with clang's libFuzzer under the address and undefined-behaviour
# sanitizers and runs a target for so many inputs, or all of them one after the other.
#   scripts/fuzz.sh TARGET|all [RUNS [SECONDS]]     10,000,000 runs and no limit of time by default
# What the fuzzer learns stays in build/fuzz/corpus, so that the next run goes on from there; an input that breaks
# something lies in build/fuzz/findings. One line a run goes to build/fuzz/summary.txt. Exit status: 0 no finding, 1 a
# finding, 2 wrong use.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

# Longest input of each target: the mutations of longer ones cost time and reach nothing new.
declare -A longest=([csv]=256 [cifar_pickle]=512 [image_header]=512 [onnx_metadata]=1280 [packed]=640
                    [onnx_expansion]=3072 [architecture]=1024 [model_file]=3840 [support_features]=1280
                    [support_part]=1024)
# The fastest first.
order=(csv cifar_pickle image_header onnx_metadata packed onnx_expansion architecture model_file support_part
       support_features)

target=${1:-} runs=${2:-10000000} seconds=${3:-0}
[ "$target" = all ] || order=("$target")
if [ -z "${longest[${order[0]:-none}]:-}" ] || ! [[ $runs$seconds =~ ^[0-9]+$ ]]; then
    echo "usage: scripts/fuzz.sh TARGET|all [RUNS [SECONDS]]" >&2
    echo "targets: ${!longest[*]}" >&2
    exit 2
fi

hyperpred_install "${HYPERPRED_BUILD_PACKAGES[@]}" "${HYPERPRED_FUZZ_PACKAGES[@]}"
build=build/fuzz
mkdir -p "$build/findings"
cmake -S . -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release -DHYPERPRED_FUZZ=ON \
    -DHYPERPRED_TRAINER=OFF -DHYPERPRED_TOOLS=OFF -DHYPERPRED_SAMPLES=OFF -DHYPERPRED_CUDA=OFF \
    >"$build/build.log" 2>&1 &&
    cmake --build "$build" --target fuzzers >>"$build/build.log" 2>&1 || { tail -n 20 "$build/build.log" >&2; exit 1; }

# Recycling freed memory sooner and remembering fewer frames of who allocated it costs no finding, only detail, and
# doubles the speed. No input justifies an allocation of 16 MiB.
export ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=4
options=(-malloc_limit_mb=16 -timeout=10 -print_final_stats=1 -reload=0)

status=0
for name in "${order[@]}"; do
    mkdir -p "$build/corpus/$name"
    log=$build/$name.log
    begin=$(date +%s)
    found=none ended=0
    "$build/test/fuzz/fuzz_$name" "${options[@]}" -dict="test/fuzz/$name.dict" -max_len="${longest[$name]}" \
        -runs="$runs" -max_total_time="$seconds" -artifact_prefix="$build/findings/$name-" \
        "$build/corpus/$name" "test/fuzz/corpus/$name" >"$log" 2>&1 || ended=$?
    case "$ended" in
        0) ;;
        72) found="none, interrupted" ;;  # libFuzzer's own number for it
        *) found=$log status=1 ;;
    esac
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    covered=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
    printf '%s  %-14s %10s runs %6d s %6s runs/s  %s  findings: %s\n' "$(date -u +%F)" "$name" \
        "$(stat number_of_executed_units)" $(($(date +%s) - begin)) "$(stat average_exec_per_sec)" "$covered" "$found" |
        tee -a "$build/summary.txt"
done
exit $status
