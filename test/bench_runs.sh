#!/usr/bin/env bash
# hyperpred_bench accuracy from trainings of seconds to the inserted table, twice; then label_errors; then refine.sh.
# usage: bench_runs.sh BUILD_DIR SOURCE_DIR
set -uo pipefail
bench=$1/bin/hyperpred_bench
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
check() {  # check NAME EXPECTED GOT
    [ "$2" = "$3" ] || { failed=$((failed + 1)); echo "FAILED: $1: expected $2, got $3"; tail -n 5 "$work/err"; }
}
accuracy() { "$bench" accuracy --data "$work/data" --work "$work/trained" "$@" >"$work/out" 2>"$work/err"; }

cp -r "$source/test/bench" "$work/protocols"
sed -i "s|../../data|$source/data|" "$work/protocols/tiny.json"
mkdir "$work/data"
ln -s "$source/data/images/parts/support" "$work/data/train"
ln -s "$source/data/images/parts/heldout" "$work/data/test"
printf 'before\n<!-- hyperpred_bench accuracy tiny -->\nold\n<!-- end -->\nafter\n' >"$work/page.md"
printf '<!-- hyperpred_bench accuracy tiny summary convnet3 -->\n<!-- end -->\n' >>"$work/page.md"

accuracy --protocol "$work/protocols/tiny.json" --out "$work/a.json" --insert "$work/page.md"
check "first run" 0 $?
check "rows of a network" 10 "$(sed '/^after/q' "$work/page.md" | grep -c '^| \(predicted\|fixed\).*CPU')"
check "rows from scratch" 2 "$(sed '/^after/q' "$work/page.md" | grep -c '^| scratch, .*trained')"
check "a value that the protocol sets" 1 "$(grep -c '"epochs": 2' "$work"/trained/tiny/*/base.json)"
check "rows of transforms" 10 "$(grep -c '"shift":' "$work/a.json")"
check "a figure from elsewhere, in table and summary" 2 "$(grep -c '^| elsewhere | trained | 50.00' "$work/page.md")"
check "old table is gone" 0 "$(grep -c '^old' "$work/page.md")"
check "the rest of the page stays" 2 "$(grep -c '^before\|^after' "$work/page.md")"

accuracy --protocol "$work/protocols/tiny.json" --out "$work/b.json"
check "second run" 0 $?
check "nothing is trained again" 0 "$(grep -c 'hyperpred_train' "$work/err")"
check "same accuracies" "$(grep '"top1"' "$work/a.json" | md5sum)" "$(grep '"top1"' "$work/b.json" | md5sum)"

accuracy --protocol "$work/protocols/tiny.json" --tables plain --out "$work/page.md"
check "results into a file that holds none" 2 $?
sed -i 's/"base.epochs": 2/"base.epochs": 3/' "$work/protocols/tiny.json"
accuracy --protocol "$work/protocols/tiny.json"
check "another configuration for a finished run" 2 $?
check "said in a sentence" 1 "$(grep -c 'another configuration' "$work/err")"
accuracy --protocol "$work/nothing.json"
check "no protocol" 2 $?

# README and doc/accuracy.md hold what the results of the repository say.
for protocol in cifar100 cifar10; do
    for page in README.md doc/accuracy.md; do
        grep -q "<!-- hyperpred_bench accuracy $protocol " "$source/$page" || continue
        cp "$source/test/bench/results/$protocol.json" "$work/results.json"
        cp "$source/$page" "$work/page.md"
        accuracy --protocol "$source/test/bench/$protocol.json" --tables none --out "$work/results.json" --insert "$work/page.md"
        check "tables of $protocol for $page" 0 $?
        check "$page holds the tables of $protocol" "$(md5sum <"$source/$page")" "$(md5sum <"$work/page.md")"
        check "nothing is lost from the results" "$(md5sum <"$source/test/bench/results/$protocol.json")" \
            "$(md5sum <"$work/results.json")"
    done
done

# The bar: 80 % of the wrong labels among the first fifth of the images.
"$bench" label_errors "$source/data/images/parts/support" --model "$source/data/models/resnet18.safetensors" --draws 2 \
    >"$work/out" 2>"$work/err"
check "label_errors" 0 $?
check "draws that find 80 % of the wrong labels" 2 \
    "$(grep -o '"found":[0-9.]*' "$work/out" | awk -F: '$2 >= 0.8' | wc -l)"
"$bench" label_errors "$work/data/train" --model "$work/none" 2>"$work/err"
check "label_errors without a model" 2 $?

# Speed, of a model file and of drawn weights for an architecture.
for model in "$source/data/architectures/mobilenetv2_half.json" "$source/test/golden/residual_stats.safetensors"; do
    "$bench" speed "$model" --images 12 --rounds 1 >"$work/out" 2>"$work/err"
    check "speed of $(basename "$model")" 0 $?
    check "a ratio to cv::dnn" 1 "$(grep -c '^  ratio .* x$' "$work/out")"
done
"$bench" speed "$source/data/architectures/none.json" >"$work/out" 2>"$work/err"
check "speed of no file" 2 $?
# A predicted network refined for a moment: as many steps as it takes to see that everything fits together.
mkdir "$work/few"
for class in bolt gear; do
    mkdir "$work/few/$class"
    ls "$source/data/images/parts/support/$class" | head -n 8 | while read -r f; do
        cp "$source/data/images/parts/support/$class/$f" "$work/few/$class/"
    done
done
PATH=$1/bin:$PATH "$source/samples/refine.sh" "$work/few" "$source/data/models/resnet18.safetensors" \
    "$work/refined.onnx" --set base.epochs=1 --set run.precision=f32 >"$work/out" 2>"$work/err"
check "refine.sh" 0 $?
PATH=$1/bin:$PATH hyperpred evaluate "$work/refined.onnx" "$work/few" >"$work/out" 2>"$work/err"
check "evaluate what came out" 0 $?
check "nothing stays behind" 0 "$(ls "$work" | grep -c 'refine\.')"
exit $((failed > 0))
