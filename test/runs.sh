# How the scripts that run programs begin and end: the tools in PATH, a folder to work in, counted checks.
# usage: . runs.sh BUILD_DIR SOURCE_DIR
set -uo pipefail
PATH=$1/bin:$PATH
source=$2
model=$source/data/models/resnet18.safetensors
parts=$source/data/images/parts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

check() {  # check NAME EXPECTED GOT
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED: $1: expected $2, got $3"; tail -n 3 "$work/err" 2>/dev/null
    fi
}
run() { hyperpred "$@" >"$work/out" 2>"$work/err"; }
interrupt() {  # interrupt SECONDS COMMAND...: by SIGINT after so long; its exit status is in $status then
    local delay=$1 pid
    shift
    "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    sleep "$delay"
    kill -INT "$pid" 2>/dev/null
    wait "$pid"
    status=$?
    [ "$status" = 0 ] || [ "$status" = 1 ] || [ "$status" = 130 ]; check "interrupted after $delay s ($status)" 0 $?
}
one_line() { [ "$(wc -l <"$work/err")" = 1 ] && echo yes || { cat "$work/err"; echo no; }; }
take() {  # take FOLDER COUNT CLASS...: so many support images of each class, in $work/FOLDER
    local folder=$1 count=$2 class
    shift 2
    for class in "$@"; do
        mkdir -p "$work/$folder/$class"
        ls "$parts/support/$class" | head -n "$count" | while read -r f; do
            cp "$parts/support/$class/$f" "$work/$folder/$class/"
        done
    done
}
finish() { echo "$passed passed, $failed failed"; [ "$failed" = 0 ] && [ "$passed" -gt 0 ]; }
