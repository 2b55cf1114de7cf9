#!/usr/bin/env bash
# Installs a build into a temporary prefix and builds a project against it that knows nothing but find_package.
# usage: run.sh BUILD_DIR
set -euo pipefail
[ $# = 1 ] || { echo "usage: run.sh BUILD_DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "failed: $*" >&2; exit 1; }; }

quiet cmake --install "$1" --prefix "$work/prefix"
quiet cmake -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release
quiet cmake --build "$work/build"

echo "a model that does not exist:"
"$work/build/consumer" "$work/no such model.safetensors"
for model in "$work/prefix/share/hyperpred/models"/*.safetensors; do
    [ -e "$model" ] || continue
    echo "$(basename "$model"):"
    "$work/build/consumer" "$model"
done
ls "$work/prefix/share/hyperpred/architectures"/*.json >/dev/null

# Nothing private may be linked from outside: other names than the public header's would become an interface.
library=$(find "$work/prefix" -name 'libopencv_hyperpred.so' | head -n 1)
nm -D --defined-only "$library" | grep '_ZN2cv9hyperpred\|_ZNK2cv9hyperpred' | c++filt >"$work/names" || true
leaked=$(grep -v 'cv::hyperpred::\(HyperPredictor\|Prediction\|PredictOptions\|Suspect\)::' "$work/names" || true)
grep -q 'cv::hyperpred::HyperPredictor::create' "$work/names" ||
    { echo "HyperPredictor::create is not exported"; exit 1; }
[ -z "$leaked" ] || { echo "exported, but not in the public header:"; echo "$leaked"; exit 1; }
echo "the installed package works"
