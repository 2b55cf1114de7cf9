#!/usr/bin/env bash
# Runs the samples without a window, on the bundled pictures and the bundled clip of a belt.
# usage: sample_runs.sh BUILD_DIR SOURCE_DIR
. "$(dirname "$0")/runs.sh"
bin=$1/bin
support=$parts/support
clip=$source/data/images/belt/belt.avi
truth=$source/data/images/belt/belt.csv

at_least() {  # at_least NAME LEAST GOT; the log shows how far it is from the bar
    echo "$1: $3, at least $2"
    if [ "$3" -ge "$2" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED: $1: expected $2 or more, got $3"; tail -n 20 "$work/out" 2>/dev/null
    fi
}
sample() { local name=$1; shift; "$bin/hyperpred_sample_$name" "$@" >"$work/out" 2>"$work/err"; }
# A name that OpenCV cannot open it takes to libgphoto2 at last, whose search for cameras leaks under AddressSanitizer.
without_video() { ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" sample "$@"; }

# Half of the support set, so that it is over soon under sanitizers, too.
mkdir "$work/parts"
for class in "$support"/*; do
    mkdir "$work/parts/$(basename "$class")"
    ls "$class" | head -n 20 | while read -r f; do cp "$class/$f" "$work/parts/$(basename "$class")/"; done
done
frames=$(tail -n 1 "$truth" | cut -d, -f3); frames=$((frames + 1))

sample predict_folder "$work/parts" --model="$model" --out="$work/net.onnx"
check "predict_folder" 0 $?
check "ten names" 10 "$(wc -l <"$work/net.names")"
at_least "expected accuracy in percent" 75 "$(grep -o 'expected accuracy [0-9]*' "$work/out" | grep -o '[0-9]*$')"
sample predict_folder; check "predict_folder without a folder" 2 $?
sample predict_folder "$work/none" --model="$model"; check "predict_folder of no folder" 2 $?

# The camera sample names each frame; right at the middle of a passing is what counts.
threshold=$("$bin/hyperpred" info "$work/net.onnx" --json | grep -o '"threshold": *[-0-9.e]*' | grep -o '[-0-9.e]*$')
mkdir "$work/overlay"
sample classify_camera "$work/net.onnx" --source="$clip" --headless --unknown="$threshold" --save="$work/overlay"
check "classify_camera" 0 $?
check "a line a frame" "$frames" "$(wc -l <"$work/out")"
check "a picture a frame" "$frames" "$(ls "$work/overlay" | wc -l)"
right=0
while IFS=, read -r class first last; do
    grep -q "^$(((first + last + 1) / 2))	$class	" "$work/out" && right=$((right + 1))
done < <(tail -n +2 "$truth" | grep -v '^unknown,')
at_least "parts named rightly by one frame, of 9" 6 "$right"
without_video classify_camera "$work/net.onnx" --source="$work/none.avi" --headless
check "classify_camera without a video" 2 $?
sample classify_camera "$work/net.onnx" --source="$clip" --headless --save="$work/no folder"
check "classify_camera that cannot save" 2 $?
sample classify_camera "$work/none.onnx" --source="$clip" --headless; check "classify_camera without a network" 2 $?

# The inspection cell gives one verdict a part.
sample inspect_cell "$support" --model="$model" --source="$clip" --headless --rejected=0.2
check "inspect_cell" 0 $?
grep -P '^\d+\t.*: (OK|OUT)$' "$work/out" >"$work/verdicts"
check "a verdict for each part that passed" 12 "$(wc -l <"$work/verdicts")"
verdict_of() {  # verdict_of FIRST LAST: the part that was named while or just after it passed
    awk -F'\t|: ' -v first="$1" -v last="$2" '$1 > first && $1 <= last + 1 {print $2}' "$work/verdicts"
}
right=0 refused=0
while IFS=, read -r class first last; do
    [ "$(verdict_of "$first" "$last")" = "$class" ] || continue
    if [ "$class" = unknown ]; then refused=$((refused + 1)); else right=$((right + 1)); fi
done < <(tail -n +2 "$truth")
at_least "parts named rightly by all their frames, of 9" 7 "$right"
at_least "strangers refused, of 3" 1 "$refused"
ok=$(grep -cP '^\d+\t.*: OK$' "$work/verdicts")
sample inspect_cell "$work/parts" --model="$model" --source="$clip" --headless --expect=gear,washer
check "inspect_cell that expects two parts" 0 $?
fewer=$(grep -cP '^\d+\t.*: OK$' "$work/out")
[ "$fewer" -ge 1 ] && [ "$fewer" -lt "$ok" ]; check "fewer are OK then ($fewer of $ok)" 0 $?
for video in "$work/none.avi" ""; do
    without_video inspect_cell "$work/parts" --model="$model" --source="$video" --headless
    check "inspect_cell without a video: \"$video\"" 2 $?
done
# A clip that ends while the first part is in the middle: it gets its verdict all the same.
IFS=, read -r _ first last < <(tail -n +2 "$truth")
/usr/bin/python3 - "$clip" "$work/short.avi" "$(((first + last) / 2 + 2))" <<'END'
import sys, cv2
clip = cv2.VideoCapture(sys.argv[1])
short = cv2.VideoWriter(sys.argv[2], cv2.VideoWriter_fourcc(*"MJPG"), 10, (96, 96))
for _ in range(int(sys.argv[3]) + 1):
    short.write(clip.read()[1])
short.release()
END
sample inspect_cell "$work/parts" --model="$model" --source="$work/short.avi" --headless
check "inspect_cell of a clip that is cut" 0 $?
check "a verdict for the part that has not left" 1 "$(grep -cP '^\d+\t.*: (OK|OUT)$' "$work/out")"

# Taught on the fly: the gear, the nut and the key (first, second, third passing) by three frames each; in the second
# round of the clip they are known by the frame before those.
sample teach_camera --model="$model" --source="$clip" --headless --loops=2 --out="$work/taught.onnx" \
    --keys=6:1,7:1,8:1,20:2,21:2,22:2,34:3,35:3,36:3,40:s
check "teach_camera" 0 $?
check "two rounds" $((2 * frames)) "$(wc -l <"$work/out")"
check "predicted six times, from two classes on" 6 "$(grep -c '^predicted from' "$work/err")"
right=0
for answer in 5:1 19:2 33:3; do
    grep -q "^$((frames + ${answer%:*}))	${answer#*:} " "$work/out" && right=$((right + 1))
done
at_least "known again, of 3" 2 "$right"
"$bin/hyperpred" info "$work/taught.onnx" >"$work/out" 2>"$work/err"; check "the saved network" 0 $?
sample teach_camera --model="$work/none" --source="$clip" --headless; check "teach_camera without a model" 2 $?
without_video teach_camera --model="$model" --source= --headless; check "teach_camera without a video" 2 $?
for file in "$2"/samples/*.cpp "$2"/samples/python/*.py; do
    [ "$(wc -l <"$file")" -lt 120 ]; check "$(basename "$file"): under 120 lines" 0 $?
done

finish
