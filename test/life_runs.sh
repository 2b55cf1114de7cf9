#!/usr/bin/env bash
# The life of a network by the tools: kept support, classes added, dropped and renamed, parts read by several processes.
# usage: life_runs.sh BUILD_DIR SOURCE_DIR
. "$(dirname "$0")/runs.sh"

same() { cmp -s "$work/$1.onnx" "$work/$3.onnx" && cmp -s "$work/$1.support" "$work/$3.support"; check "$4" "$2" $?; }

# ---- update ----
take known 10 bearing bolt gear
take new 6 hex_nut
take newer 1 screw
run predict "$work/known" --model "$model" --out "$work/net.onnx" --keep-support; check "predict, support kept" 0 $?
run info "$work/net.support" --json; check "info of a support file" 0 $?
check "it counts" 3 "$(grep -c '"images": 10' "$work/out")"
cp "$work/net.onnx" "$work/full.onnx"; cp "$work/net.support" "$work/full.support"
take both 6 hex_nut; take both 1 screw
(trap '' XFSZ; ulimit -f 500; run predict "$work/both" --model "$model" --out "$work/full.onnx" --keep-support)
check "room for the support file, not for the network" 1 $?
same net 0 full "both are the old ones"
run update "$work/net.onnx" --add "$work/new" --out "$work/a.onnx"; check "add a class" 0 $?
grep -q "^4 classes, 36 images" "$work/out"; check "and say so" 0 $?
run evaluate "$work/a.onnx" "$work/new" --json; check "evaluate it" 0 $?
grep -q '"top1": 1.0' "$work/out"; check "the new class is known" 0 $?
run update "$work/a.onnx" --drop hex_nut --out "$work/d.onnx"; check "drop it" 0 $?
same net 0 d "the same bytes"
run update "$work/a.onnx" --add "$work/newer"; check "add a class of one image, in place" 0 $?
run update "$work/net.onnx" --add "$work/both" --out "$work/b.onnx"; check "add both" 0 $?
same a 0 b "two steps are as one"
run update "$work/net.onnx" --add "$work/both" --out "$work/b.onnx" --threads 1
same a 0 b "whatever the threads"
run update "$work/a.onnx" --rename "bolt=pin=bolt" --drop hex_nut --drop screw --json; check "rename and drop" 0 $?
grep -q '"pin=bolt"' "$work/out"; check "a name may hold a =" 0 $?
run update "$work/a.onnx" --rename "pin=bolt=bolt"; check "rename back" 0 $?
same net 0 a "the same bytes"

run update "$work/a.onnx"; check "nothing to do" 2 $?
run update "$work/a.onnx" --drop nut; check "no such class" 2 $?
run update "$work/a.onnx" --rename nut=bolt; check "no such class to rename" 2 $?
run update "$work/a.onnx" --rename bolt; check "no new name" 2 $?
run update "$work/a.onnx" --rename bolt=gear; check "a name that is taken" 2 $?
run update "$work/a.onnx" --add "$work/none"; check "no such folder" 2 $?
mkdir -p "$work/text/nut" && echo text >"$work/text/nut/a.jpg"
run update "$work/a.onnx" --add "$work/text"; check "no image in it" 1 $?
check "one line" yes "$(one_line)"
same net 0 a "nothing of it was written"
run update "$work/a.onnx" --add "$work/new" --out "$work/none/a.onnx"; check "no such folder to write to" 2 $?
cp "$work/b.support" "$work/a.support"
run update "$work/a.onnx" --drop gear; check "a support file of another state" 2 $?
run update "$work/a.onnx" --repair; check "repair" 0 $?
same b 0 a "then it is that state"
run predict "$work/both" --model "$model" --out "$work/a.onnx"
run update "$work/a.onnx" --repair; check "a support file of other layers" 2 $?
rm "$work/a.support"
run update "$work/a.onnx" --drop screw; check "no support file" 2 $?
grep -q "a.support" "$work/err"; check "it is named" 0 $?

# ---- interrupted, at times that fall into reading, adding, fitting and writing ----
for delay in 0.02 0.1 0.15 0.2 0.25 0.3 0.4; do
    cp "$work/net.onnx" "$work/a.onnx"; cp "$work/net.support" "$work/a.support"
    interrupt "$delay" hyperpred update "$work/a.onnx" --add "$work/both"
    if [ "$status" = 0 ]; then same b 0 a "all is written"; else same net 0 a "nothing is written after $delay s"; fi
done

# ---- update of smaller files: the format stays, and so does the way back ----
for format in onnx-fp16 onnx-int8; do
    run predict "$work/known" --model "$model" --out "$work/small.onnx" --format $format --keep-support
    check "predict $format" 0 $?
    run update "$work/small.onnx" --add "$work/new" --out "$work/grown.onnx"; check "add to $format" 0 $?
    run info "$work/grown.onnx" --json; check "the format stays $format" 1 "$(grep -c "\"$format\"" "$work/out")"
    run evaluate "$work/grown.onnx" "$work/both"; check "evaluate what grew" 0 $?
    run update "$work/grown.onnx" --drop hex_nut; check "drop from $format" 0 $?
    same grown 0 small "$format: add then drop is the same bytes"
done

# ---- parts ----
cp "$work/known/bolt/00.jpg" "$work/known/gear/twin.jpg"  # a conflict
cp "$work/known/bolt/01.jpg" "$work/known/bolt/twin.jpg"  # and the same image twice
echo text >"$work/known/bolt/text.jpg"
echo text >"$work/known/bolt/notes.txt"
mkdir "$work/known/washer" && echo text >"$work/known/washer/a.jpg"  # a class that turns out empty
one() { hyperpred predict "$work/known" --model "$model" --out "$work/one.onnx" --report "$work/one.json" "$@"; }
merged() {
    hyperpred predict --merge "$work"/p[123] --model "$model" --out "$work/m.onnx" --report "$work/m.json" "$@"
}
for k in 3 1 2; do
    run predict "$work/known" --model "$model" --partial "$k/3" --out "$work/p$k"; check "part $k of 3" 0 $?
done
run info "$work/p2"; check "info of a part" 0 $?
for options in "--keep-support" "--drop-suspects 3 --sample 20" "--head lda --weights base"; do
    one $options >/dev/null 2>"$work/err"; check "one run $options" 0 $?
    merged $options >/dev/null 2>"$work/err"; check "merged $options" 0 $?
    cmp -s "$work/one.onnx" "$work/m.onnx"; check "the same bytes $options" 0 $?
    diff <(sed '/"milliseconds"/,/}/d' "$work/one.json") <(sed '/"milliseconds"/,/}/d' "$work/m.json") >"$work/err"
    check "the same report: suspects, conflicts, skipped files $options" 0 $?
done
check "the conflict is in it" 1 "$(grep -c '"conflicts": \[$' "$work/m.json")"
run predict --merge "$work/p1" "$work/p3" --model "$model" --out "$work/x.onnx"; check "a part is missing" 2 $?
grep -q "part 2 of 3 is missing" "$work/err"; check "it is named" 0 $?
run predict --merge "$work/p1" "$work/p2" "$work/p3" "$work/p2" --model "$model" --out "$work/x.onnx"
check "a part is there twice" 2 $?
head -c 5000 "$work/p2" >"$work/cut"
run predict --merge "$work/p1" "$work/cut" "$work/p3" --model "$model" --out "$work/x.onnx"
check "a truncated part" 2 $?
run predict "$work/known" --merge "$work/p1" --model "$model" --out "$work/x.onnx"; check "folder and parts" 2 $?
run predict --model "$model" --out "$work/x.onnx"; check "neither" 2 $?
run predict "$work/known" --partial 4/3 --model "$model" --out "$work/x.onnx"; check "part 4 of 3" 2 $?
run predict "$work/known" --partial 1/3 --model "$model" --out "$work/x.onnx" --head lda; check "a head for a part" 2 $?
run predict "$work/known" --partial 1/3 --model "$model" --out "$work/x.onnx" --format onnx-int8
check "a format for a part" 2 $?
run predict --merge "$work/p1" --partial 1/3 --model "$model" --out "$work/x.onnx"; check "a part of parts" 2 $?
grep -q "exclude each other" "$work/err"; check "and it says so" 0 $?
run predict "$work/known" --partial 2/3 --model "$model" --out "$work/x.onnx" --strict; check "--strict" 2 $?
[ ! -e "$work/x.onnx" ]; check "nothing half-written" 0 $?

# Where a list lies and how it is named is no part of it; folders with the same file names in them are several lists.
take here 3 bolt gear
cp -r "$work/here" "$work/there"
for class in bolt gear; do mkdir -p "$work/camera/$class"; cp "$parts/heldout/$class"/0[0-2].jpg "$work/camera/$class/"; done
(cd "$work/here" && for f in */*; do echo "$f,${f%%/*}"; done >list.csv && cp list.csv ../there)
for lists in "here there/" "here/list.csv there/list.csv"; do
    set -- $lists
    run predict "$work/$1" --model "$model" --partial 1/2 --out "$work/q1"
    run predict "$work/$2" --model "$model" --partial 2/2 --out "$work/q2"
    run predict --merge "$work/q1" "$work/q2" --model "$model" --out "$work/q.onnx"
    check "one list in two places: $lists" 0 $?
done
for folder in here camera; do run predict "$work/$folder" --model "$model" --partial 1/1 --out "$work/$folder.part"; done
run predict --merge "$work/here.part" "$work/camera.part" --model "$model" --out "$work/q.onnx" --json
check "folders with the same names in them" 0 $?
grep -q '"images": 12' "$work/out"; check "all images of them" 0 $?

# The drivers on the bundled images: by GNU parallel, by jobs of the shell where the program of that name is another
# (moreutils'), and by a stand-in for Slurm's sbatch that runs the job at once.
run predict "$parts/support" --model "$model" --out "$work/all.onnx"
parallel --version 2>/dev/null </dev/null | grep '^GNU parallel' >/dev/null; check "GNU parallel is installed" 0 $?
mkdir "$work/bin" "$work/other"
printf '#!/bin/sh\nexit 1\n' >"$work/other/parallel"
chmod +x "$work/other/parallel"
for path in "$PATH" "$work/other:$PATH"; do
    PATH=$path "$source/samples/predict_parts.sh" "$parts/support" "$model" 3 "$work/driven.onnx" \
        >/dev/null 2>"$work/err"
    check "predict_parts.sh" 0 $?
    cmp -s "$work/all.onnx" "$work/driven.onnx"; check "three parts are as one run" 0 $?
    rm -f "$work/driven.onnx"
done
"$source/samples/predict_parts.sh" "$work/none" "$model" 2 "$work/x.onnx" >/dev/null 2>"$work/err"
[ $? != 0 ] && [ ! -e "$work/x.onnx" ]; check "predict_parts.sh of no folder" 0 $?
cat >"$work/bin/sbatch" <<'STANDIN'
#!/usr/bin/env bash
set -euo pipefail
last=0
while [[ $1 == --* ]]; do [[ $1 == --array=1-* ]] && last=${1#--array=1-}; shift; done
if [ "$last" = 0 ]; then exec "$@"; fi
for ((k = 1; k <= last; ++k)); do SLURM_ARRAY_TASK_ID=$k "$@" >&2; done
echo 7
STANDIN
chmod +x "$work/bin/sbatch"
PATH=$work/bin:$PATH "$source/samples/predict_parts.slurm" "$parts/support" "$model" 2 "$work/slurm.onnx" \
    >/dev/null 2>"$work/err"
check "predict_parts.slurm" 0 $?
cmp -s "$work/all.onnx" "$work/slurm.onnx"; check "two parts are as one run" 0 $?
ls "$work" | grep 'parts' >/dev/null; check "no part stays behind" 1 $?

finish
