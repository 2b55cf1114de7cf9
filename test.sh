#!/usr/bin/env bash
# Installs what the tests need, builds everything and runs every test. On a fresh Debian 12 as root or with sudo.
#   ./test.sh             release build, all tests
#   ./test.sh asan|tsan   the same tests of the module under the sanitizers (without the trainer)
#   ./test.sh aarch64     a cross-build for 64-bit ARM, run under qemu and compared (scripts/aarch64.sh)
# The release run also does the last one, and where nvcc and cuDNN's headers are, it builds the CUDA backend for two
# architectures and tests it as far as a machine without a GPU can: its kernels on the host, and that the CPU takes over.
set -euo pipefail
cd "$(dirname "$0")"
# The builds below compile much of the same: with ccache the second time costs nothing, in whatever folder.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

if [ "${1:-}" = aarch64 ]; then exec scripts/aarch64.sh; fi
. scripts/packages.sh
hyperpred_install "${HYPERPRED_BUILD_PACKAGES[@]}" "${HYPERPRED_TEST_PACKAGES[@]}" \
    "${HYPERPRED_PACKAGE_PACKAGES[@]}" "${HYPERPRED_INSTALL_PACKAGES[@]}"

preset=cpu-release
case "${1:-}" in
    "") ;;
    asan | tsan) preset="cpu-$1" ;;
    *) echo "test.sh: \"$1\" is not known; asan, tsan, aarch64 or nothing is" >&2; exit 2 ;;
esac
cmake --preset "$preset"
cmake --build --preset "$preset"
ctest --preset "$preset"

if [ "$preset" = cpu-release ]; then
    # The trainer as a GPU machine without OpenCV builds it.
    cmake -S . -B build/trainer-bare -G Ninja -DCMAKE_BUILD_TYPE=Release -DHYPERPRED_TRAINER_BARE=ON
    cmake --build build/trainer-bare
    build/trainer-bare/bin/hyperpred_train keys >/dev/null

    log=$(mktemp)
    cmake --preset cuda-ci -DHYPERPRED_CUDA=AUTO | tee "$log"
    if grep -q "hyperpred: CUDA backend with" "$log"; then
        cmake --build --preset cuda-ci --target hyperpred test_backend test_cuda_kernels test_cudnn_graph \
            test_fallback_backend
        ctest --preset cuda-ci -R '^test_(backend|cuda_kernels|cudnn_graph|fallback_backend)$'
    else
        echo "test.sh: SKIPPED the CUDA build: no CUDA toolkit with cuBLAS and cuDNN 9 here" >&2
    fi
    rm -f "$log"

    status=0
    scripts/aarch64.sh || status=$?
    if [ $status -eq 77 ]; then
        echo "test.sh: SKIPPED the run on 64-bit ARM" >&2
    elif [ $status -ne 0 ]; then
        exit $status
    fi
fi
