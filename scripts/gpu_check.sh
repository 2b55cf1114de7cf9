#!/usr/bin/env bash
# Everything about the CUDA backend that needs a GPU: build, tests, sanitizers, measurements against PyTorch.
#   scripts/gpu_check.sh OUT [quick]      three files in the folder OUT: summary.json, summary.txt, details.tar.gz
#   scripts/gpu_check.sh OUT rehearse     the same without a GPU: what cannot run is listed as waiting
# For a bare machine: CUDA toolkit, cuDNN (headers and library, PyPI's wheels do), cmake, ninja, a C++17 compiler, and
# python3 with PyTorch for the comparison. OpenCV is not needed; the headers of Boost, Eigen and nlohmann_json come from
# .gpu/include, which scripts/gpu_pack.sh makes where they are installed.
# Environment:
#   HYPERPRED_STAGES         "build test sanitize bench" by default; later calls on the same machine add to the earlier
#                            ones, whose details stay in the build folder, until "build" begins anew
#   HYPERPRED_ARCHITECTURES  what bench measures, "resnet18_cifar resnet18" by default
#   HYPERPRED_SECONDS        when to end: a row is cut off then or not begun. OUT is brought up to date after each row.
# A failing row does not stop the others, save a build or a first prediction that fails: what follows would tell no more.
# The exit status is 1 if any row failed or was cut off.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: scripts/gpu_check.sh OUT [quick|rehearse]}
mode=${2:-full}
case $mode in
    full | quick | rehearse) ;;
    *) echo "gpu_check.sh: \"$mode\" is not known; quick, rehearse or nothing is" >&2; exit 2 ;;
esac
stages=${HYPERPRED_STAGES:-build test sanitize bench}
architectures=${HYPERPRED_ARCHITECTURES:-resnet18_cifar resnet18}
seconds=${HYPERPRED_SECONDS:-86400}
longest=400  # seconds of one row, before it counts as hanging
mkdir -p "$out"
out=$(cd "$out" && pwd)
build=${HYPERPRED_BUILD:-build/cuda-bare}
details=$build/gpu_check
PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin:/usr/local/cuda/bin
good=yes

has() { [[ " $stages " == *" $1 "* ]]; }
gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; }
publish() {
    python3 scripts/gpu_summary.py "$details" "$out/summary.json" >"$out/summary.new" 2>&1
    mv "$out/summary.new" "$out/summary.txt"
    tar -czf "$out/details.new" -C "$build" gpu_check && mv "$out/details.new" "$out/details.tar.gz"
}
note() {  # name, what became of it, seconds
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$details/rows.tsv"
    printf '%-34s %s, %d s\n' "$1" "$2" "$3"
    publish
}
later() { note "$1" "waits: $2" 0; }
run() {  # name, command...: its log, its time, its status
    local name=$1 start=$SECONDS left=$((seconds - SECONDS)) status
    shift
    if [ "$left" -lt 5 ]; then
        good=no
        later "$name" "no time was left"
        return 1
    fi
    timeout -k 10 $((left < longest ? left : longest)) "$@" >"$details/$name.log" 2>&1
    status=$?
    if [ $status -eq 0 ]; then
        note "$name" ok $((SECONDS - start))
        return 0
    fi
    good=no
    tail -n 15 "$details/$name.log"
    case $status in
        124 | 137) note "$name" "FAILED (cut off)" $((SECONDS - start)) ;;
        *) note "$name" "FAILED ($status)" $((SECONDS - start)) ;;
    esac
    return $status
}

device=""
if gpu; then
    device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1)
elif [ "$mode" != rehearse ]; then
    echo "no GPU answers nvidia-smi; with \"rehearse\" the script runs as far as it goes" >&2
    exit 2
fi
if has build; then rm -rf "$details"; fi
mkdir -p "$details"
printf '{"mode": "%s", "device": "%s"}\n' "$mode" "$device" >"$details/machine.json"

# cuDNN and cuBLAS may lie in wheels beside PyTorch; their folders refer to each other, and to NVRTC, by name alone.
roots=${HYPERPRED_CUDA_ROOT:-}
wheels=$(python3 -c 'import nvidia, os; print(os.path.dirname(list(nvidia.__path__)[0]))' 2>/dev/null)
[ -n "$wheels" ] && roots="${roots:+$roots;}$wheels"
libraries=${LD_LIBRARY_PATH:-}
for folder in "${wheels:-/nowhere}"/nvidia/*/lib; do
    [ -d "$folder" ] && libraries=${libraries:+$libraries:}$folder
done
ours=(env "LD_LIBRARY_PATH=$libraries")
headers=""
[ -d .gpu/include ] && headers="$PWD/.gpu/include"
jobs=$(nproc)
[ "$mode" = rehearse ] && jobs=1
bench=$build/bin/hyperpred_bench
tests=$build/modules/hyperpred

if has build; then
    # Warnings of a compiler that nobody has tried yet must not cost the machine's time.
    run configure cmake --preset cuda-bare -B "$build" -DHYPERPRED_HEADERS="$headers" -DHYPERPRED_CUDA_ROOT="$roots" \
        -DHYPERPRED_WERROR=OFF -DHYPERPRED_CUDA_ARCHITECTURES="${HYPERPRED_CUDA_ARCHITECTURES:-90}" || exit 1
    patience=$([ "$mode" = rehearse ] && echo 15 || echo 0)
    longest=3600 run build nice -n "$patience" cmake --build "$build" -j "$jobs" || exit 1
    # The first predictions: cluster and libraries, the chain of launches in float, own kernels alone.
    small="--architecture data/architectures/convnet3.json --images 60 --rounds 1 --runs 2 --check 16"
    if [ -n "$device" ]; then
        run first_cuda "${ours[@]}" "$bench" gpu $small --backend cuda
        run first_exact "${ours[@]}" "$bench" gpu $small --backend cuda:exact
        run first_own "${ours[@]}" HYPERPRED_OWN_KERNELS=1 "$bench" gpu $small --backend cuda
        [ $good = yes ] || exit 1
    else
        run first_cpu "${ours[@]}" "$bench" gpu $small --backend cpu || exit 1
        for row in first_cuda first_exact first_own; do later "$row" "no GPU"; done
    fi
fi

if has test; then
    if [ -n "$device" ]; then
        gpus=(HYPERPRED_TEST_BACKENDS="cuda cuda:exact")
        run test_backend_gpu "${ours[@]}" "${gpus[@]}" "$tests/test_backend" --report_level=short
        run test_backend_own "${ours[@]}" "${gpus[@]}" HYPERPRED_OWN_KERNELS=1 "$tests/test_backend" \
            --report_level=short
    else
        for row in test_backend_gpu test_backend_own; do later "$row" "no GPU"; done
    fi
    for stem in cuda_kernels cudnn_graph fallback_backend; do  # on the host
        run "test_$stem" "${ours[@]}" "$tests/test_$stem" --report_level=short
    done
    [ -n "$device" ] || run test_backend "${ours[@]}" "$tests/test_backend" --report_level=short
fi

if has sanitize; then
    # Tiny shapes: a sanitizer is a hundred times slower, and the index arithmetic is the same. Every kernel with all
    # tools and without libraries, then what the libraries are given.
    small=("$tests/test_backend" --run_test=every_kernel_in_small_predictions)
    gpus=(HYPERPRED_TEST_BACKENDS="cuda cuda:exact")
    for tool in memcheck racecheck initcheck synccheck libraries; do
        if [ -z "$device" ]; then
            later "sanitize_$tool" "no GPU"
        elif ! command -v compute-sanitizer >/dev/null; then
            later "sanitize_$tool" "compute-sanitizer is not installed"
        elif [ $tool = libraries ]; then
            run sanitize_libraries "${ours[@]}" "${gpus[@]}" compute-sanitizer --tool memcheck --error-exitcode 9 \
                "${small[@]}"
        else
            run "sanitize_$tool" "${ours[@]}" "${gpus[@]}" HYPERPRED_OWN_KERNELS=1 compute-sanitizer --tool "$tool" \
                --error-exitcode 9 "${small[@]}"
        fi
    done
fi

torch=no
backend=cuda rounds=15 turns=3 count=10000
[ "$mode" = quick ] && rounds=5 turns=1
[ "$mode" = rehearse ] && backend=cpu rounds=1 turns=1 count=60

# One row of ours, one of cuda:fused (its cold_ms is what compiling takes), one of PyTorch, with the same images.
measure() {  # architecture, turn
    local file=data/architectures/$1.json row=$1_$2
    run "bench_$row" "${ours[@]}" "$bench" gpu --architecture "$file" --backend "$backend" --images "$count" \
        --rounds "$rounds" --runs $(($2 == 1 && count > 100 ? 100 : 1)) --check 0 --json "$details/bench_$row.json"
    if [ "$torch" = no ]; then
        later "torch_$row" "python3 has no torch"
    elif [ -z "$device" ]; then
        run "torch_$row" python3 scripts/gpu_torch.py --architecture "$file" --images 60 --rounds 1 --variants eager \
            --device cpu --json "$details/torch_$row.json"
    else
        run "torch_$row" python3 scripts/gpu_torch.py --architecture "$file" --images "$count" --rounds "$rounds" \
            --json "$details/torch_$row.json"
    fi
    if [ -n "$device" ]; then
        run "fused_$row" "${ours[@]}" "$bench" gpu --architecture "$file" --backend cuda:fused --images "$count" \
            --rounds "$rounds" --runs $(($2 == 1 ? 20 : 1)) --check 0 --json "$details/fused_$row.json"
    else
        later "fused_$row" "no GPU"
    fi
}

# Agreement with the CPU wants trained weights, the rows above have random ones; and a process that begins cold.
compare() {
    local model=data/models/resnet18.safetensors name
    run model "${ours[@]}" "$bench" gpu --model "$model" --backend "$backend" \
        --images $((count < 2000 ? count : 2000)) --rounds "$rounds" --runs 3 --check $((count < 512 ? count : 512)) \
        --json "$details/model.json"
    if [ -z "$device" ]; then
        for name in cold exact fused; do later "$name" "no GPU"; done
        return
    fi
    run cold "${ours[@]}" "$bench" gpu --architecture data/architectures/resnet18.json --images 1000 --rounds 1 \
        --runs 1 --check 0 --json "$details/cold.json"
    for name in exact fused; do
        run "$name" "${ours[@]}" "$bench" gpu --model "$model" --backend "cuda:$name" --images 2000 --rounds 3 \
            --runs 3 --check 128 --json "$details/$name.json"
    done
}

if has bench; then
    python3 -c 'import torch' 2>/dev/null && torch=yes
    for ((turn = 1; turn <= turns; ++turn)); do
        [ $turn -eq 1 ] && compare
        for architecture in $architectures; do measure "$architecture" $turn; done
    done
fi

cat "$out/summary.txt"
[ $good = yes ]
