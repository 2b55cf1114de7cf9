#!/usr/bin/env bash
# scripts/gpu_check.sh with stand-ins for the GPU, for what it builds and for PyTorch: what it leaves behind when all
# goes well, when rows fail and when it is cut off. A GPU machine is there for minutes; the script must not fail there.
#   test/gpu_check.sh SOURCE
set -euo pipefail
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"/{path,build/bin,build/modules/hyperpred,site/torch}
export PATH="$folder/path:$PATH" PYTHONPATH="$folder/site" HYPERPRED_BUILD="$folder/build"
export HYPERPRED_STAGES="test sanitize bench"
touch "$folder/site/torch/__init__.py"

stand_in() { cat >"$1" && chmod +x "$1"; }
stand_in "$folder/path/nvidia-smi" <<'END'
#!/bin/sh
[ "$1" = -L ] && echo "GPU 0: stand-in" || echo "Stand-in, 1.0"
END
stand_in "$folder/path/compute-sanitizer" <<'END'
#!/bin/sh
echo "$HYPERPRED_OWN_KERNELS/$*" >>"$HYPERPRED_BUILD/sanitized"
END
for stem in backend cuda_kernels cudnn_graph fallback_backend; do
    stand_in "$folder/build/modules/hyperpred/test_$stem" <<'END'
#!/bin/sh
echo "backends: $HYPERPRED_TEST_BACKENDS"
END
done
# Writes what --json asks for; fails or hangs where the test says so.
stand_in "$folder/build/bin/hyperpred_bench" <<'END'
#!/usr/bin/env python3
import json, os, sys, time
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
if given["--backend" if "--backend" in given else "--json"].endswith(os.environ.get("STAND_IN_HANGS", "/")):
    time.sleep(30)
device = "Stand-in"
if given.get("--backend", "").endswith(os.environ.get("STAND_IN_FALLS", "/")):
    device = "CPU (instead of Stand-in: it broke)"
half = {"median_ms": 20.0, "times_the_floor": 2, "forward_tflops": 300, "stages_ms": {}}
with open(given["--json"], "w") as file:
    json.dump({"device": device, "device_at_the_end": device, "images": 10, "end_to_end": half, "cold_ms": 900.0,
               "hypernetwork": {"median_ms": 0.1}, "repeated": {"runs": 100, "bit_equal": 100},
               "agreement_with_cpu": {"weights": 1e-6, "features": 1e-3, "top1_percent": 100.0}}, file)
sys.exit(2 if "instead" in device else 0)
END
# gpu_torch.py is not run: python3 here is a stand-in for it alone.
real=$(command -v python3)
stand_in "$folder/path/python3" <<END
#!/bin/sh
case "\$1" in
    scripts/gpu_torch.py) while [ \$# -gt 2 ]; do shift; done
        echo '{"variants": {"eager": {"end_to_end": {"median_ms": 80.0}, "hypernetwork": {"median_ms": 2.0}}}}' >"\$2" ;;
    *) exec "$real" "\$@" ;;
esac
END

fail() { echo "gpu_check: $*" >&2; exit 1; }
value() { "$real" -c 'import json, sys; print(eval(sys.argv[2], {"s": json.load(open(sys.argv[1]))}))' "$1" "$2"; }

echo "# every source of the bare build does without OpenCV and without the headers of the module's users"
module=$source/modules/hyperpred
left_out=$(sed -n '/^foreach(stem activation/,/)/p' "$module/cmake/bare.cmake" | sed 's/foreach(stem//; s/).*//' | xargs)
[ "$(wc -w <<<"$left_out")" -gt 5 ] || fail "the list of stems that need images is not found: \"$left_out\""
bare=()
for file in "$module"/src/*.cpp "$module"/src/{reference,cpu,cuda}/*.cpp; do
    [[ " $left_out " == *" $(basename "$file" .cpp) "* ]] || bare+=("$file")
done
g++ -std=c++17 -DHYPERPRED_WITHOUT_OPENCV -I "$module/src" -I /usr/include/eigen3 -M "${bare[@]}" >/dev/null ||
    fail "a stem needs OpenCV and is not in the list of cmake/bare.cmake"

echo "# all goes well: three files, every row of the targets"
"$source/scripts/gpu_check.sh" "$folder/all" quick >"$folder/log" || { cat "$folder/log"; fail "a good run fails"; }
[ "$(ls "$folder/all")" = "details.tar.gz
summary.json
summary.txt" ] || fail "left $(ls "$folder/all")"
[ "$(value "$folder/all/summary.json" 's["failed"], s["waiting"], s["device"]')" = "([], [], 'Stand-in, 1.0')" ] ||
    fail "$(cat "$folder/all/summary.txt")"
[ "$(grep -c ' met$' "$folder/all/summary.txt")" = 11 ] || fail "$(cat "$folder/all/summary.txt")"
tar -xzf "$folder/all/details.tar.gz" -C "$folder"
grep -q "cuda cuda:exact" "$folder/gpu_check/test_backend_own.log" || fail "the tests were not told of the GPU"
[ "$(grep -c every_kernel "$folder/build/sanitized")" = 5 ] || fail "sanitized: $(cat "$folder/build/sanitized")"
[ "$(grep -c ^1/ "$folder/build/sanitized")" = 4 ] || fail "sanitized: $(cat "$folder/build/sanitized")"

echo "# a device that breaks: its row fails, its figures do not count, the others are there"
rm -rf "$folder/build/gpu_check"
HYPERPRED_STAGES=bench HYPERPRED_ARCHITECTURES=resnet18 STAND_IN_FALLS=exact \
    "$source/scripts/gpu_check.sh" "$folder/broken" quick >"$folder/log" && fail "a broken device passes"
[ "$(value "$folder/broken/summary.json" 's["failed"], "exact" in s, sorted(s["rows"])')" = \
    "(['exact'], False, ['resnet18'])" ] || fail "$(cat "$folder/broken/summary.txt")"

echo "# a later call adds to it; a row that hangs is cut off in time, what follows waits"
HYPERPRED_STAGES=bench HYPERPRED_ARCHITECTURES=resnet18_cifar HYPERPRED_SECONDS=15 STAND_IN_HANGS=cuda \
    "$source/scripts/gpu_check.sh" "$folder/cut" quick >"$folder/log" && fail "a run that was cut off passes"
[ "$(value "$folder/cut/summary.json" 's["ran"]["model"]["outcome"], sorted(s["rows"])')" = \
    "('FAILED (cut off)', ['resnet18'])" ] || fail "$(cat "$folder/cut/summary.txt")"
grep -q "^bench_resnet18_cifar_1: waits: no time was left" "$folder/cut/summary.txt" ||
    fail "$(cat "$folder/cut/summary.txt")"

echo "# killed in the middle: what was there before is in OUT"
rm -rf "$folder/build/gpu_check"
HYPERPRED_STAGES=bench STAND_IN_HANGS=exact "$source/scripts/gpu_check.sh" "$folder/killed" quick >"$folder/log" 2>&1 &
for ((i = 0; i < 600; ++i)); do
    grep -qs "^cold process, 1,000 images, ms .* met$" "$folder/killed/summary.txt" && break
    sleep 0.1
done
kill -KILL $!
[ "$(value "$folder/killed/summary.json" 's["cold"]["cold_ms"]')" = 900.0 ] || fail "$(ls "$folder/killed")"
tar -tzf "$folder/killed/details.tar.gz" >/dev/null || fail "no whole archive"

echo "# without a GPU it says so"
rm "$folder/path/nvidia-smi"
"$source/scripts/gpu_check.sh" "$folder/none" quick 2>"$folder/log" && fail "no GPU, and it runs"
grep -q "no GPU answers" "$folder/log" || fail "$(cat "$folder/log")"
"$source/scripts/gpu_check.sh" "$folder/none" quik 2>"$folder/log" && fail "a wrong mode is taken"
grep -q '"quik" is not known' "$folder/log" || fail "$(cat "$folder/log")"
echo "gpu_check: ok"
