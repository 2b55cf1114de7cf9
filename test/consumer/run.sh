#!/usr/bin/env bash
# Installs a build into a temporary prefix, moves that elsewhere, and builds a project against it that knows nothing but
# find_package; then the same program with what pkg-config says.
# usage: run.sh BUILD_DIR
set -euo pipefail
[ $# = 1 ] || { echo "usage: run.sh BUILD_DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "failed: $*" >&2; exit 1; }; }

quiet cmake --install "$1" --prefix "$work/first"
mv "$work/first" "$work/prefix"  # nothing in it may rest on where it was installed
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

# pkg-config: the same program, and the variable that says where the data is.
library=$(find "$work/prefix" -name 'libopencv_hyperpred.so' | head -n 1)
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
quiet pkg-config --print-errors --exists opencv_hyperpred
# shellcheck disable=SC2046  # pkg-config's answer is words
quiet g++ -std=c++17 "$here/main.cpp" -o "$work/by_pkg_config" -Wl,--as-needed \
    $(pkg-config --cflags --libs opencv_hyperpred)
LD_LIBRARY_PATH=$(dirname "$library") quiet "$work/by_pkg_config" "$work/no such model.safetensors"
data=$(pkg-config --variable=datadir opencv_hyperpred)
ls "$data/models"/*.safetensors "$data/schema/architecture.schema.json" >/dev/null
told=$("$work/prefix/bin/hyperpred" --version | sed 's/hyperpred \([^,]*\),.*/\1/')
[ "$(pkg-config --modversion opencv_hyperpred)" = "$told" ] ||
    { echo "pkg-config and hyperpred --version tell different versions"; exit 1; }

# Nothing private may be linked from outside: other names than the public header's would become an interface.
nm -D --defined-only "$library" | grep '_ZN2cv9hyperpred\|_ZNK2cv9hyperpred' | c++filt >"$work/names" || true
public='cv::hyperpred::\(HyperPredictor\|Prediction\|PredictOptions\|Suspect\|Updater\)::'
leaked=$(grep -v "$public" "$work/names" || true)
grep -q 'cv::hyperpred::HyperPredictor::create' "$work/names" ||
    { echo "HyperPredictor::create is not exported"; exit 1; }
[ -z "$leaked" ] || { echo "exported, but not in the public header:"; echo "$leaked"; exit 1; }
echo "the installed package works"
