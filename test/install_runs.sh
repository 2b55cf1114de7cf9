#!/usr/bin/env bash
# Runs the programs from an installation that was moved, as a user of it would: the data they find, their manual pages,
# and what `hyperpred doctor` says of a whole installation and of broken ones.
# usage: install_runs.sh BUILD_DIR SOURCE_DIR
set -uo pipefail
build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() {  # check NAME EXPECTED GOT
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAILED: $1: expected $2, got $3"; tail -n 3 "$work/out" "$work/err" 2>/dev/null
    fi
}
run() { "$tool" "$@" >"$work/out" 2>"$work/err"; }

cmake --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/moved"
tool=$work/moved/bin/hyperpred
data=$work/moved/share/hyperpred
cd "$work" || exit 1
unset HYPERPRED_DATA

# The model: found beside the program, by name, by HYPERPRED_DATA, by path.
mkdir support
for class in bolt gear spring; do
    mkdir "support/$class"
    cp "$source/data/images/parts/support/$class"/0[0-5].jpg "support/$class/"
done
run predict support --out default.onnx; check "predict without --model" 0 $?
run predict support --out named.onnx --model resnet18; check "predict with a model's name" 0 $?
run predict support --out path.onnx --model "$data/models/resnet18.safetensors"; check "predict with a path" 0 $?
cmp -s default.onnx named.onnx && cmp -s default.onnx path.onnx; check "the same network" 0 $?
run predict support --out x.onnx --model resnet1800; check "a model that is not there" 2 $?
check "the error names the place and the models" 1 \
    "$(grep -c "$data/models/resnet1800.safetensors.*models there: resnet18" err)"
HYPERPRED_DATA=$work/nowhere run predict support --out x.onnx; check "HYPERPRED_DATA is looked at alone" 2 $?
HYPERPRED_DATA=$source/data run info resnet18; check "info of a model's name" 0 $?
[ ! -e x.onnx ]; check "nothing written" 0 $?

# Every program tells its version and its help, and every command lists its options in the same form.
version=$(sed -n 's/^project(hyperpred VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
for program in "$work/moved/bin"/*; do
    name=$(basename "$program")
    check "$name --version" "$name $version" "$("$program" --version | sed 's/,.*//')"
    for command in $("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z_]*\) .*/\1/p'); do
        tool=$program run "$command" --help; check "$name $command --help" 0 $?
        check "$name $command --help: usage" 1 "$(grep -c "^usage: $name " out)"
        [ "$command" = help ] || check "$name $command --help: options" 1 "$(grep -c '^  -h, --help  *this text$' out)"
    done
    "$program" help frobnicate >out 2>err; check "$name help of no command" 2 $?
    check "$name help of no command: one line" 1 "$(wc -l <err)"

    # The manual page holds every option and gives neither formatter a cause for complaint.
    page=$work/moved/share/man/man1/$name.1.gz
    gzip -dc "$page" >page.1 || check "manual page of $name" there missing
    check "mandoc on $name.1" "" "$(mandoc -T lint -W warning page.1 2>&1)"
    check "man on $name.1" "" "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l page.1 2>&1 >text)"
    missing=
    for command in $("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z_]*\) .*/\1/p'); do
        for option in $("$program" help "$command" | sed -n 's/^  [- ][a-z, ] *\(--[a-z-]*\).*/\1/p'); do
            grep -q -e "$option" text || missing="$missing $command $option"
        done
    done
    check "options that the page of $name leaves out" "" "$missing"
done
check "options were looked at" yes "$(grep -q -e '--' text && echo yes)"

# The Python package finds the library beside it, wherever both were moved to.
packages=$(find "$work/moved/lib" -type d -path '*python3*' -name '*-packages')
if [ -d "$build/python/hyperpred" ]; then
    check "the Python package" "$packages/hyperpred/__init__.py" \
        "$(cd / && PYTHONPATH=$packages /usr/bin/python3 -B -c 'import hyperpred; print(hyperpred.__file__)' 2>&1)"
fi

# doctor: a whole installation, then one fault at a time.
tool=$work/moved/bin/hyperpred
run doctor; check "doctor" 0 $?
check "doctor has nothing to fail" 0 "$(grep -c FAILED out)"
check "doctor's self-test" 1 "$(grep -c '^ok *self-test .*drawn figures right' out)"
run doctor --json; check "doctor --json" 0 $?
check "doctor --json in numbers" "True ok" "$(python3 -c 'import json, sys
report = json.load(sys.stdin)
print(report["well"], next(c["state"] for c in report["checks"] if c["check"] == "self-test"))' <out)"

mkdir -p broken/models
cp -r "$data/architectures" broken/
cp "$data/models/resnet18.safetensors" broken/models/
printf 'X' | dd of=broken/models/resnet18.safetensors bs=1 seek=20000001 conv=notrunc 2>/dev/null
HYPERPRED_DATA=$work/broken run doctor; check "doctor on a damaged model" 1 $?
check "it names the file" 1 "$(grep -c '^FAILED *model .*broken/models/resnet18.safetensors.*is damaged' out)"
check "and says it in one line" 1 "$(grep -c 'checks failed; model: .*is damaged' err)"
HYPERPRED_DATA=$work/nowhere run doctor --json; check "doctor without data" 1 $?
check "it names the folder" 1 "$(grep -c '"text": "folder .*nowhere.* does not exist' out)"
HYPERPRED_DATA=$(printf 'n%.0s' {1..300}) run doctor; check "doctor where the data cannot be looked at" 1 $?
check "it goes on to the other checks" 1 "$(grep -c '^ok *temporary ' out)"
check "and tells why" 1 "$(grep -c '^FAILED *data .*too long' out)"
echo '{' >broken/architectures/resnet34.json
rm broken/models/resnet18.safetensors
HYPERPRED_DATA=$work/broken run doctor; check "doctor on a damaged architecture" 1 $?
check "it names that, too" 1 "$(grep -c '^FAILED *architecture .*resnet34.json' out)"
TMPDIR=/proc run doctor; check "doctor where TMPDIR cannot be written" 1 $?
check "it names the folder and the way out" 1 "$(grep -c '^FAILED *temporary .*"/proc".*TMPDIR' out)"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
