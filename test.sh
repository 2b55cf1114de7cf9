#!/usr/bin/env bash
# Installs what the tests need, builds everything and runs every test. On a fresh Debian 12 as root or with sudo.
#   ./test.sh             release build, all tests
#   ./test.sh asan|tsan   the same tests of the module under the sanitizers (without the trainer)
set -euo pipefail
cd "$(dirname "$0")"
. scripts/packages.sh
hyperpred_install "${HYPERPRED_BUILD_PACKAGES[@]}" "${HYPERPRED_TEST_PACKAGES[@]}"

preset=cpu-release
case "${1:-}" in
    "") ;;
    asan | tsan) preset="cpu-$1" ;;
    *) echo "test.sh: \"$1\" is not known; asan, tsan or nothing is" >&2; exit 2 ;;
esac
cmake --preset "$preset"
cmake --build --preset "$preset"
ctest --preset "$preset"
