#!/usr/bin/env bash
# Runs the tools as a user would, on the bundled images and on hostile folders: what they print, write and return.
# usage: tool_runs.sh BUILD_DIR SOURCE_DIR
. "$(dirname "$0")/runs.sh"

# A small support set keeps the run short under sanitizers: four classes, ten images each.
take small 10 $(ls "$parts/support" | head -n 4)
mkdir "$work/shuffled"

run predict "$work/small" --model "$model" --out "$work/a.onnx" --report "$work/r.html" --threads 1
check "predict" 0 $?
run predict "$work/small" --model "$model" --out "$work/b.onnx" --report "$work/r.json" --threads 2
check "predict, two threads" 0 $?
cmp -s "$work/a.onnx" "$work/b.onnx"; check "same bytes for 1 and 2 threads" 0 $?
run predict "$work/small" --model "$model" --out "$work/b.onnx" --threads 4
cmp -s "$work/a.onnx" "$work/b.onnx"; check "same bytes for 4 threads" 0 $?
# Other file names: another order of the same images.
for class in "$work/small"/*; do
    mkdir "$work/shuffled/$(basename "$class")"
    i=90
    for f in "$class"/*; do cp "$f" "$work/shuffled/$(basename "$class")/$i.${f##*.}"; i=$((i - 1)); done
done
run predict "$work/shuffled" --model "$model" --out "$work/c.onnx"
cmp -s "$work/a.onnx" "$work/c.onnx"; check "same bytes for another order" 0 $?
grep -q '<html' "$work/r.html"; check "HTML report" 0 $?
grep -q '"expected_accuracy"' "$work/r.json"; check "JSON report" 0 $?

# One image under a wrong label, and a network without it.
cp -r "$work/small" "$work/wrong"
from=$(ls "$work/wrong" | head -n 1); to=$(ls "$work/wrong" | tail -n 1)
odd=$(ls "$work/wrong/$from" | head -n 1); mv "$work/wrong/$from/$odd" "$work/wrong/$to/odd_$odd"
run predict "$work/wrong" --model "$model" --out "$work/w.onnx" --drop-suspects 1 --report "$work/w.html"
check "predict without a suspect" 0 $?
grep -q "left out 1 suspects; with them" "$work/out"; check "and it says so" 0 $?
sed -n '/id="dropped"/,/<.section>/p' "$work/w.html" | grep "odd_$odd" >/dev/null; check "and names the wrong one" 0 $?
run predict "$work/wrong" --model "$model" --out "$work/w.onnx" --drop-suspects -1; check "fewer than none" 2 $?

# Smaller files: they say what they are, and the tool runs them.
for format in onnx-fp16 onnx-int8; do
    run predict "$work/small" --model "$model" --out "$work/$format.onnx" --format $format; check "predict $format" 0 $?
    run evaluate "$work/$format.onnx" "$work/small"; check "evaluate $format" 0 $?
    grep -q "top-1 9[0-9]\|top-1 100" "$work/out"; check "and it knows its own images" 0 $?
    run info "$work/$format.onnx"; grep -q "hyperpred.format: \"$format\"" "$work/out"; check "info $format" 0 $?
done
run predict "$work/small" --model "$model" --out "$work/x.onnx" --format tflite; check "unknown format" 2 $?
check "one line" yes "$(one_line)"

run evaluate "$work/a.onnx" "$work/small" --json
check "evaluate" 0 $?
grep -q '"top1"' "$work/out"; check "evaluate prints top1" 0 $?
run evaluate "$work/a.onnx" "$work/small" --report "$work/e.html"; check "evaluate, HTML report" 0 $?
grep -q 'Measured accuracy' "$work/e.html"; check "of what was measured" 0 $?
run predict "$work/small" --model "$model" --out "$work/x.onnx" --report "$work/r.txt"; check "unknown report" 2 $?
check "one line" yes "$(one_line)"
[ ! -e "$work/x.onnx" ]; check "before any work" 0 $?
run classify "$work/a.onnx" "$(find "$work/small" -type f | sort | head -n 1)"
check "classify an image" 0 $?
run classify "$work/a.onnx" "$work/small" --json --top 2
check "classify a folder" 0 $?
check "one line an image" 40 "$(wc -l <"$work/out")"
for file in "$model" "$source/data/architectures/resnet34.json" "$work/a.onnx"; do
    run info "$file"; check "info $(basename "$file")" 0 $?
    run info "$file" --json; check "info --json $(basename "$file")" 0 $?
done

# A network with depthwise layers, of a hypernetwork as small as its pictures.
run predict "$work/small" --model "$source/test/golden/residual_deep.safetensors" --out "$work/deep.onnx" --features 1,2
check "predict a depthwise network" 0 $?
run evaluate "$work/deep.onnx" "$work/small" --json; check "evaluate it" 0 $?
run classify "$work/deep.onnx" "$work/small"; check "classify with it" 0 $?
run info "$source/data/architectures/mobilenetv2_half.json"; check "info mobilenetv2_half" 0 $?
check "depthwise layers" 17 "$(grep -c ' depthwise ' "$work/out")"

run; check "no command" 2 $?
check "one line" yes "$(one_line)"
run frobnicate; check "unknown command" 2 $?
run predict "$work/small"; check "model missing" 2 $?
run predict "$work/small" --model "$work/none" --out "$work/x.onnx"; check "model does not exist" 2 $?
check "one line" yes "$(one_line)"
run predict "$work/none" --model "$model" --out "$work/x.onnx"; check "folder does not exist" 2 $?
run predict "$work/small" --model "$model" --out "$work/x.onnx" --head svm; check "unknown head" 2 $?
check "one line" yes "$(one_line)"
run predict "$work/small" --model "$model" --out "$work/x.onnx" --features 3,9; check "no such stage" 2 $?
run predict "$work/small" --model "$model" --out "$work/none/x.onnx"; check "output folder missing" 2 $?
[ ! -e "$work/x.onnx" ]; check "nothing half-written" 0 $?
mkdir -p "$work/single/one" && cp "$work/small"/*/* "$work/single/one/"
run predict "$work/single" --model "$model" --out "$work/x.onnx"; check "one class refused" 2 $?
cp -r "$work/small" "$work/dirty"
first=$(ls "$work/dirty" | head -n 1)
echo "no image" >"$work/dirty/$first/text.jpg"
: >"$work/dirty/$first/zero.png"
mkdir "$work/dirty/empty class" "$work/dirty/$first/folder.jpg"
run predict "$work/dirty" --model "$model" --out "$work/d.onnx"; check "dirty folder goes on" 0 $?
cmp -s "$work/a.onnx" "$work/d.onnx"; check "and gives the same network" 0 $?
grep -q 'text.jpg' "$work/err"; check "and names what it skipped" 0 $?
run predict "$work/dirty" --model "$model" --out "$work/x.onnx" --strict; check "--strict stops" 2 $?
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    dirty="hyperpred predict $work/dirty --model $model --out $work/x.onnx --strict"
    script -qec "$dirty" /dev/null >"$work/out" </dev/null
    check "--strict stops on a terminal" 2 $?
    grep -q $'\r\033\\[Khyperpred predict: ' "$work/out"; check "and wipes the progress first" 0 $?
else
    echo "SKIPPED: no pseudo-terminal here"
fi
head -c 100000 "$work/a.onnx" >"$work/cut.onnx"
run evaluate "$work/cut.onnx" "$work/small"; check "truncated network" 2 $?
check "one line" yes "$(one_line)"
head -c 100000 "$model" >"$work/cut.safetensors"
run predict "$work/small" --model "$work/cut.safetensors" --out "$work/x.onnx"; check "truncated model" 2 $?

# Names of any bytes: a line stays a line, and what is no UTF-8 does not stop a report.
mkdir "$work/odd"
i=0
for class in "$work/small"/*; do
    i=$((i + 1))
    name=$(printf '%s %s "%s"\n\xff' "$i" one two; echo x)
    cp -r "$class" "$work/odd/${name%x}"
done
odd_file=$(printf 'a\tb\n\xfe.jpg')
cp "$(find "$work/small" -type f | sort | head -n 1)" "$work/odd_file.jpg"
mkdir "$work/odd_images" && mv "$work/odd_file.jpg" "$work/odd_images/$odd_file"
run predict "$work/odd" --model "$model" --out "$work/o.onnx" --report "$work/o.html"; check "odd class names" 0 $?
run predict "$work/odd" --model "$model" --out "$work/o.onnx" --report "$work/o.json"
check "odd class names, JSON" 0 $?
run evaluate "$work/o.onnx" "$work/odd" --json; check "evaluate odd class names" 0 $?
run classify "$work/o.onnx" "$work/odd_images"; check "classify an odd file name" 0 $?
check "one line for it" 1 "$(wc -l <"$work/out")"
run classify "$work/o.onnx" "$work/odd_images" --json; check "the same as JSON" 0 $?
check "one line for that" 1 "$(wc -l <"$work/out")"

odd_net=$work/$(printf 'no\nnet')
for use in "evaluate $work/small" "classify $work/small" "info" "update --repair"; do
    set -- $use
    run "$1" "$odd_net" "${@:2}"; check "an odd path to $1" 2 $?
    check "one line" yes "$(one_line)"
done
run predict "$work/small" --model "$odd_net" --out "$work/x.onnx"; check "an odd path of a model" 2 $?
check "one line" yes "$(one_line)"
for use in "predict $work/small --out $work/x.onnx" "evaluate $work/a.onnx $work/small" \
    "classify $work/a.onnx $work/small" "update $work/a.onnx --repair"; do
    run $use --threads -1; check "fewer threads than none: $use" 2 $?
    grep -q -- "--threads -1: 0" "$work/err"; check "and says so" 0 $?
done

# A folder to classify: what is no image is named, hidden files are not.
mkdir -p "$work/mixed/.hidden"
cp "$(find "$work/small" -type f | sort | head -n 1)" "$work/mixed/good.jpg"
cp "$work/mixed/good.jpg" "$work/mixed/.hidden/x.jpg"
: >"$work/mixed/Thumbs.db"
echo "no image" >"$work/mixed/text.jpg"
ln -s nowhere "$work/mixed/dangling.jpg"
ln -s loop.jpg "$work/mixed/loop.jpg"
run classify "$work/a.onnx" "$work/mixed"; check "classify a mixed folder" 0 $?
check "one image" 1 "$(wc -l <"$work/out")"
check "three named" 3 "$(grep -c '^skipped: ' "$work/err")"
run classify "$work/a.onnx" "$work/mixed" --strict; check "classify --strict" 2 $?

# A disk that is full: what a limit of the file size looks like to the tool. Nothing is lost.
cp "$work/a.onnx" "$work/full.onnx"
(trap '' XFSZ; ulimit -f 100; run predict "$work/small" --model "$model" --out "$work/full.onnx")
check "disk full" 1 $?
check "one line" yes "$(one_line)"
grep -q 'full.onnx": cannot be written' "$work/err"; check "that names the file" 0 $?
cmp -s "$work/a.onnx" "$work/full.onnx"; check "the old network stays" 0 $?
for command in "info $work/a.onnx" "help --man" "help predict" --version; do
    hyperpred $command >/dev/full 2>"$work/err"; check "standard output full: $command" 1 $?
done
check "one line" yes "$(one_line)"
run predict "$work/small" --model "$model" --out /dev/full; check "no file to write to" 2 $?

# Interrupted by a user, at times that fall into reading the model, reading images, predicting and writing.
mkdir "$work/interrupted"
for delay in 0.01 0.05 0.1 0.2 0.4 0.8; do
    cp "$work/a.onnx" "$work/interrupted/net.onnx"
    interrupt "$delay" hyperpred predict "$work/small" --model "$model" --out "$work/interrupted/net.onnx"
    cmp -s "$work/a.onnx" "$work/interrupted/net.onnx"; check "a whole network after $delay s" 0 $?
    check "nothing else after $delay s" net.onnx "$(ls -A "$work/interrupted")"
done

finish
