#!/usr/bin/env bash
# Makes the Debian packages of a build tree, has lintian judge them, and runs a prediction from what is in them,
# unpacked where nothing of this tree can help.
# usage: package.sh BUILD_DIR SOURCE_DIR [OUT_DIR]     OUT_DIR: where the packages are kept
set -euo pipefail
build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# Without an output folder this is a test: packed quickly, for the model hardly shrinks anyway.
compression=$([ $# = 3 ] && echo xz || echo gzip)
(cd "$build" && cpack -G DEB -B "$work/packages" -D CPACK_DEBIAN_COMPRESSION_TYPE="$compression" \
    -D CPACK_OUTPUT_FILE_PREFIX="$work/packages") >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "cpack"; }
packages=("$work"/packages/*.deb)
grep -i warning "$work/log" && fail "cpack warns"

# lintian: no error and no warning. A tree whose prefix is not /usr has lib in place of Debian's lib/TRIPLET.
here=()
[ $# = 3 ] || here=(--suppress-tags pkg-config-unavailable-for-cross-compilation)
lintian --no-cfg --allow-root --fail-on error,warning --info "${here[@]}" "${packages[@]}" || fail "lintian"

# What each must be, beyond what lintian asks.
expected=(hyperpred hyperpred-data libopencv-hyperpred-dev libopencv-hyperpred0.1)
[ ! -e "$build/bin/hyperpred_train" ] || expected+=(hyperpred-train)
[ ! -e "$build/python/hyperpred" ] || expected+=(python3-hyperpred)
names=$(for package in "${packages[@]}"; do dpkg-deb -f "$package" Package; done | sort)
[ "$names" = "$(printf '%s\n' "${expected[@]}" | sort)" ] || fail "the packages are ${names//$'\n'/ }"
for package in "${packages[@]}"; do
    description=$(dpkg-deb -f "$package" Description)
    [[ $description == "networks predicted from labelled images - "* ]] ||
        fail "$package has the synopsis of another: ${description%%$'\n'*}"
done
of() { echo "$work"/packages/"$1"_*.deb; }
[ "$(dpkg-deb -f "$(of hyperpred-data)" Architecture)" = all ] || fail "hyperpred-data is not for every architecture"
depends=$(dpkg-deb -f "$(of hyperpred)" Depends)
for needed in libc6 libopencv-dnn libboost-program-options hyperpred-data; do
    [[ $depends == *"$needed"* ]] || fail "hyperpred does not depend on $needed: $depends"
done
[[ $depends != *torch* ]] || fail "hyperpred depends on libtorch: $depends"
[[ $(dpkg-deb -f "$(of libopencv-hyperpred-dev)" Depends) == *"libopencv-hyperpred0.1 (="* ]] ||
    fail "libopencv-hyperpred-dev does not depend on its library"
dpkg-deb --ctrl-tarfile "$(of libopencv-hyperpred0.1)" | tar -xO ./shlibs |
    grep '^libopencv_hyperpred 0.1 libopencv-hyperpred0.1 ' >/dev/null ||
    fail "libopencv-hyperpred0.1 has no shlibs file"
if [ -e "$build/python/hyperpred" ]; then
    depends=$(dpkg-deb -f "$(of python3-hyperpred)" Depends)
    for needed in "libopencv-hyperpred0.1 (=" python3-numpy "python3 (>= 3." "python3 (<< 3." libc6 libopencv-core; do
        [[ $depends == *"$needed"* ]] || fail "python3-hyperpred does not depend on $needed: $depends"
    done
fi

# dpkg itself lays the files down and checks their sums, in a root of its own.
root=$work/root
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
dpkg --root="$root" --force-depends --force-not-root --force-script-chrootless --log="$work/dpkg.log" \
    -i "${packages[@]}" >"$work/log" 2>&1 || { cat "$work/log"; fail "dpkg -i"; }
dpkg --root="$root" --verify >"$work/log" 2>&1 && [ ! -s "$work/log" ] || { cat "$work/log"; fail "dpkg --verify"; }

cp -r "$source/data/images/parts/support" "$work/support"
cd "$work"
unset HYPERPRED_DATA
for program in "$root"/usr/bin/* $(find "$root/usr/lib" -name '*.so'); do
    readelf -d "$program" | grep -E 'R(UN)?PATH' && fail "$program has a search path"
    readelf -S "$program" | grep '\.symtab' >/dev/null && fail "$program is not stripped"
done
"$root/usr/bin/hyperpred" doctor >"$work/log" || { cat "$work/log"; fail "doctor"; }
[ $# = 2 ] || grep -q 'built for any processor' "$work/log" ||
    fail "this build runs on no other processor; scripts/package.sh makes one that does"
"$root/usr/bin/hyperpred" predict support --out net.onnx >"$work/log" 2>&1 || { cat "$work/log"; fail "predict"; }
"$root/usr/bin/hyperpred" classify net.onnx support/gear/00.jpg | grep gear >/dev/null || fail "classify"
library=$(dirname "$(find "$root/usr/lib" -name libopencv_hyperpred.so)")
PKG_CONFIG_PATH=$library/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046  # pkg-config's answer is words
g++ -std=c++17 "$source/test/consumer/main.cpp" -o consumer -Wl,--as-needed \
    $(pkg-config --cflags --libs opencv_hyperpred)
LD_LIBRARY_PATH=$library ./consumer "$root/usr/share/hyperpred/models/resnet18.safetensors" >/dev/null ||
    fail "consumer"
if [ -e "$build/python/hyperpred" ]; then
    PYTHONPATH=$root/usr/lib/python3/dist-packages LD_LIBRARY_PATH=$library /usr/bin/python3 -B - "$root" <<'END' ||
import sys, hyperpred
assert hyperpred.__file__.startswith(sys.argv[1]), hyperpred.__file__
model = hyperpred.HyperPredictor(sys.argv[1] + "/usr/share/hyperpred/models/resnet18.safetensors")
assert model.info()["architecture"]["name"] == "resnet18"
END
        fail "python3-hyperpred"
fi

for package in "${packages[@]}"; do
    printf '%-52s %6d KiB\n' "$(basename "$package")" $(($(stat -c %s "$package") / 1024))
done
if [ $# = 3 ]; then
    mkdir -p "$3"
    cp "${packages[@]}" "$3"
fi
echo "the packages work"
