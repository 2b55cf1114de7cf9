#!/usr/bin/env bash
# The static tool: its size, what it still loads, and that it does what the ordinary one does, byte by byte.
# usage: static_tool.sh BUILD_DIR SOURCE_DIR
set -uo pipefail
ordinary=$1/bin/hyperpred
static=$1/bin/hyperpred_static
model=$2/data/models/resnet18.safetensors
parts=$2/data/images/parts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() {  # check NAME EXPECTED FOUND
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED: $1: expected $2, got $3"; tail -n 3 "$work/err" 2>/dev/null
    fi
}

size=$(stat -c %s "$static")
[ "$size" -lt 30000000 ]; check "under 30 MB ($size bytes)" 0 $?
known='(linux-vdso|libc|libm|libstdc\+\+|libgcc_s|libtbb)\.so|/ld-linux'
loaded=$(ldd "$static" | grep -vE "$known" | tr '\n' ' ')
check "no shared library but TBB, the C++ library's and glibc's" "" "$loaded"

mkdir "$work/small"
for class in bolt gear; do
    mkdir "$work/small/$class"
    cp "$parts/support/$class"/0[0-5].jpg "$work/small/$class/"
done
for tool in ordinary static; do
    "${!tool}" predict "$work/small" --model "$model" --out "$work/$tool.onnx" >/dev/null 2>"$work/err"
    check "$tool: predict" 0 $?
    "${!tool}" evaluate "$work/$tool.onnx" "$parts/heldout" --json >"$work/$tool.json" 2>"$work/err"
    check "$tool: evaluate" 0 $?
done
cmp -s "$work/ordinary.onnx" "$work/static.onnx"; check "the same network" 0 $?
cmp -s "$work/ordinary.json" "$work/static.json"; check "the same evaluation" 0 $?

printf 'P5 2 2 255\n0123' >"$work/grey.pgm"
"$static" classify "$work/static.onnx" "$work/grey.pgm" >/dev/null 2>"$work/err"; check "PNM is refused" 1 $?
grep -q "decodes JPEG and PNG alone" "$work/err"; check "and the sentence says why" 0 $?
"$static" classify "$work/static.onnx" 0 >/dev/null 2>"$work/err"; check "a camera cannot be opened" 1 $?

echo "hyperpred_static: $size bytes"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
