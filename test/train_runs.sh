#!/usr/bin/env bash
# A training by the trainer itself: packed, stopped by Ctrl-C, resumed, exported.
# usage: train_runs.sh BUILD_DIR SOURCE_DIR
. "$(dirname "$0")/runs.sh"

train() { hyperpred_train "$@" >"$work/out" 2>"$work/err"; }
refused() {  # refused NAME STATUS WORDS ARGUMENT...
    local name=$1 status=$2 words=$3
    shift 3
    train "$@"
    check "$name" "$status" $?
    check "$name: the sentence" 1 "$(grep -cF -- "$words" "$work/err")"
}

train pack "$parts/support" --size 32 --out "$work/parts.pack"
check "pack" 0 $?
refused "a size that is no number" 2 '"32px", must be a whole number' pack "$parts/support" --size 32px --out "$work/x"
refused "a size that is too small" 1 'hyperpred_train: --size is 5, must be 8..1024' pack "$parts/support" --size 5 --out "$work/x"

cat >"$work/run.json" <<JSON
{"architecture": "$source/data/architectures/convnet3.json", "data": [{"file": "$work/parts.pack"}],
 "base": {"epochs": 1000, "batch": 32}, "run": {"threads": 1, "precision": "f32", "out": "$work/run"}}
JSON
hyperpred_train base --config "$work/run.json" >"$work/out" 2>"$work/err" &
pid=$!
until grep -q '^stage 1' "$work/out" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
kill -INT "$pid"
wait "$pid"
check "Ctrl-C ends a run with its own status" 3 $?
check "and says how to go on" 1 "$(grep -cF "resume $work/run" "$work/out")"
check "a checkpoint, the log and its picture, nothing half-written" 3 "$(ls -A "$work/run" | wc -l)"

refused "a second start" 1 'already holds checkpoints' base --config "$work/run.json"
refused "another stage" 1 'not of `meta`' meta --config "$work/run.json" --resume
earlier=$(echo "$work/run"/checkpoint-*.pt)
train resume "$work/run" --set run.stop_after_steps=2
check "resume, and stopped again" 3 $?
refused "an earlier checkpoint" 1 'is later than step' resume "$earlier"
train resume "$earlier" --set run.stop_after_steps=1 --set run.out="$work/branch"
check "an earlier checkpoint in a folder of its own" 3 $?

train export "$work/run" --out "$work/model.safetensors"
check "export" 0 $?
check "a model that tells no path" 0 "$(grep -cF "$work" "$work/model.safetensors")"
hyperpred predict "$parts/support" --model "$work/model.safetensors" --out "$work/net.onnx" >"$work/out" 2>"$work/err"
check "predict with it" 0 $?

finish
