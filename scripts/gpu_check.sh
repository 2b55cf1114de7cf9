#!/usr/bin/env bash
# Everything about the CUDA backend that needs a GPU, in one run: build, tests, sanitizers, measurements against PyTorch.
#   scripts/gpu_check.sh OUT [quick]      results as JSON and logs into the folder OUT
#   scripts/gpu_check.sh OUT rehearse     the same without a GPU: what cannot run is listed as waiting
# For a bare machine: CUDA toolkit, cuDNN (headers and library, PyPI's wheels do), cmake, ninja, a C++17 compiler, and
# python3 with PyTorch for the comparison. OpenCV is not needed; the headers of Boost, Eigen and nlohmann_json come from
# .gpu/include, which scripts/gpu_pack.sh makes where they are installed.
# Stages: HYPERPRED_STAGES="build test sanitize bench" by default. Each one writes its log; a failing one does not stop
# the others, and the exit status is 1 if any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: scripts/gpu_check.sh OUT [quick|rehearse]}
mode=${2:-full}
stages=${HYPERPRED_STAGES:-build test sanitize bench}
mkdir -p "$out"
out=$(cd "$out" && pwd)
build=${HYPERPRED_BUILD:-build/cuda-bare}
failed=()
waiting=()

has() { [[ " $stages " == *" $1 "* ]]; }
gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; }
run() {  # name, command...: its log, its time, its status
    local name=$1 start status
    shift
    start=$(date +%s)
    "$@" >"$out/$name.log" 2>&1
    status=$?
    printf '%-34s %s, %d s\n' "$name" "$([ $status -eq 0 ] && echo ok || echo "FAILED ($status)")" $(($(date +%s) - start))
    [ $status -eq 0 ] || { failed+=("$name"); tail -n 15 "$out/$name.log"; }
    return $status
}
later() { waiting+=("$1: $2"); printf '%-34s waits: %s\n' "$1" "$2"; }

device=""
if gpu; then
    device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1)
elif [ "$mode" != rehearse ]; then
    echo "no GPU answers nvidia-smi; with \"rehearse\" the script runs as far as it goes" >&2
    exit 2
fi

# cuDNN and cuBLAS may lie in wheels beside PyTorch.
roots=${HYPERPRED_CUDA_ROOT:-}
wheels=$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null)
[ -d "$wheels/nvidia" ] && roots="${roots:+$roots;}$wheels"
headers=""
[ -d .gpu/include ] && headers="$PWD/.gpu/include"
jobs=$(nproc)
[ "$mode" = rehearse ] && jobs=1

if has build; then
    run configure cmake --preset cuda-bare -B "$build" -DHYPERPRED_HEADERS="$headers" -DHYPERPRED_CUDA_ROOT="$roots" \
        -DHYPERPRED_CUDA_ARCHITECTURES="${HYPERPRED_CUDA_ARCHITECTURES:-90}"
    run build nice -n "$([ "$mode" = rehearse ] && echo 15 || echo 0)" cmake --build "$build" -j "$jobs" || exit 1
fi
bench=$build/bin/hyperpred_bench
tests=$build/modules/hyperpred

if has test; then
    for stem in cuda_kernels cudnn_graph fallback_backend backend; do
        run "test_$stem" "$tests/test_$stem" --report_level=short
        head -n 1 "$out/test_$stem.log" | grep backends: || true
    done
fi

if has sanitize; then
    # Tiny shapes: a sanitizer is a hundred times slower, and the index arithmetic is the same.
    for tool in memcheck racecheck initcheck synccheck; do
        if [ -z "$device" ]; then
            later "sanitize_$tool" "no GPU"
        elif ! command -v compute-sanitizer >/dev/null; then
            later "sanitize_$tool" "compute-sanitizer is not installed"
        else
            run "sanitize_$tool" timeout 400 compute-sanitizer --tool "$tool" --error-exitcode 9 \
                "$bench" gpu --architecture data/architectures/convnet3.json --images 60 --rounds 1 --runs 1 --check 0
        fi
    done
fi

if has bench; then
    rounds=15
    turns=3
    [ "$mode" = quick ] && { rounds=5; turns=1; }
    backend=cuda
    count=10000
    if [ "$mode" = rehearse ]; then
        rounds=1 turns=1 backend=cpu count=60
    fi
    torch=no
    python3 -c 'import torch' 2>/dev/null && torch=yes
    for architecture in resnet18_cifar resnet18; do
        file=data/architectures/$architecture.json
        for ((turn = 1; turn <= turns; ++turn)); do
            run "bench_${architecture}_$turn" "$bench" gpu --architecture "$file" --backend "$backend" \
                --images "$count" --rounds "$rounds" --runs $((turn == 1 && count > 100 ? 100 : 1)) --check 0 \
                --json "$out/bench_${architecture}_$turn.json"
            # Compiled with what follows them: the same row, and the time that compiling takes in its cold_ms.
            if [ -n "$device" ]; then
                run "fused_${architecture}_$turn" "$bench" gpu --architecture "$file" --backend cuda:fused \
                    --images "$count" --rounds "$rounds" --runs $((turn == 1 ? 20 : 1)) --check 0 \
                    --json "$out/fused_${architecture}_$turn.json"
            else
                later "fused_${architecture}_$turn" "no GPU"
            fi
            if [ "$torch" = no ]; then
                later "torch_${architecture}_$turn" "python3 has no torch"
            elif [ -z "$device" ]; then
                run "torch_${architecture}_$turn" python3 scripts/gpu_torch.py --architecture "$file" --images 60 \
                    --rounds 1 --variants eager --device cpu --json "$out/torch_${architecture}_$turn.json"
            else
                run "torch_${architecture}_$turn" python3 scripts/gpu_torch.py --architecture "$file" \
                    --images "$count" --rounds "$rounds" --json "$out/torch_${architecture}_$turn.json"
            fi
        done
    done
    # Agreement with the CPU wants trained weights; the rows above have random ones.
    model=data/models/resnet18.safetensors
    run "model" "$bench" gpu --model "$model" --backend "$backend" --images $((count < 2000 ? count : 2000)) \
        --rounds "$rounds" --runs 3 --check $((count < 512 ? count : 512)) --json "$out/model.json"
    if [ -n "$device" ]; then
        run cold "$bench" gpu --architecture data/architectures/resnet18.json --images 1000 --rounds 1 --runs 1 \
            --check 0 --json "$out/cold.json"
        for backend in exact fused; do
            run "$backend" "$bench" gpu --model "$model" --backend "cuda:$backend" --images 2000 \
                --rounds 3 --runs 3 --check 128 --json "$out/$backend.json"
        done
    else
        for row in cold exact fused; do later "$row" "no GPU"; done
    fi
fi

python3 scripts/gpu_summary.py "$out" "$mode" "$device" "${failed[*]:-}" "$(printf '%s\n' "${waiting[@]:-}")"
[ ${#failed[@]} -eq 0 ]
