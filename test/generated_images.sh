#!/usr/bin/env bash
# Draws some of the bundled pictures again and compares them with the committed ones; then that the comparison sees a
# picture that was changed, swapped or removed.
# usage: generated_images.sh BUILD_DIR
set -uo pipefail
generate=$1/bin/hyperpred_generate_images
parts=$(cd "$(dirname "$0")/../data/images/parts" && pwd) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

check() {  # check NAME STATUS-EXPECTED STATUS
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED: $1: expected $2, got $3"; tail -n 3 "$work/log"
    fi
}
generate() { "$generate" "$@" >"$work/log" 2>&1; }

# Every class, but few pictures of each: the whole set takes a minute in a release build, many under a sanitizer.
generate --check "$parts" --every 20
check "the committed pictures" 0 $?

generate --out "$work/a" --class gear --class spring --every 20
check "draws" 0 $?
check "two of 40 and one of 20, twice" 6 "$(find "$work/a" -name '*.jpg' | wc -l)"
generate --check "$work/a" --class gear --class spring --every 20
check "what was drawn" 0 $?
cp "$work/a/support/gear/20.jpg" "$work/a/support/gear/00.jpg"
generate --check "$work/a" --class gear --every 20
check "another picture" 1 $?
cp "$work/a/heldout/spring/00.jpg" "$work/a/support/spring/00.jpg"
rm "$work/a/support/spring/20.jpg"
generate --check "$work/a" --class spring --every 20
check "a missing picture" 1 $?
check "names both" 2 "$(grep -c 'support/spring/.*: ' "$work/log")"

check "640 pictures are committed" 640 "$(find "$parts" -name '*.jpg' | wc -l)"
size=$(du -sb --apparent-size "$parts" | cut -f1)
[ "$size" -lt 3500000 ]; check "smaller than 3.5 MB" 0 $?

# The clip of the belt: the committed one, then one with a frame too few and one with a frame of another part.
belt=$(cd "$parts/../belt" && pwd)
generate --check-belt "$belt" --every 28
check "the committed clip" 0 $?
check "a clip of less than 300 kB" 1 "$(find "$belt/belt.avi" -size -300k | wc -l)"
mkdir "$work/belt"
head -c 200000 "$belt/belt.avi" >"$work/belt/belt.avi"
generate --check-belt "$work/belt" --every 100
check "a clip cut short" 1 $?
python3 - "$belt/belt.avi" "$work/belt/belt.avi" <<'END'
import sys
avi = open(sys.argv[1], "rb").read()
at = avi.index(b"00dc")  # the first frame's chunk goes; the frames behind it move up
avi = avi[:at] + avi[avi.index(b"00dc", at + 4):]
open(sys.argv[2], "wb").write(avi)
END
generate --check-belt "$work/belt" --every 100
check "other frames" 1 $?

generate; check "no arguments" 2 $?
generate --out "$work/b" --class nut; check "no such class" 2 $?

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
