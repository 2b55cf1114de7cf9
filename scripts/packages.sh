#!/usr/bin/env bash
# Installs what the build needs from Debian 12's packages. Sourced by run.sh and test.sh.
# Does nothing when all is there, so that both work offline once the packages are installed.

hyperpred_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "need root or sudo to install: ${missing[*]}" >&2; return 1; }
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update &&
           "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
               apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "could not install: ${missing[*]}" >&2
        return 1
    fi
    rm -f "$log"
}

# What the module, the tools and the samples need; the trainer and the tests need more.
HYPERPRED_BUILD_PACKAGES=(g++ cmake ninja-build libopencv-dev libeigen3-dev nlohmann-json3-dev
                          libboost-program-options-dev)
HYPERPRED_PYTHON_PACKAGES=(python3-dev python3-numpy pybind11-dev)  # the Python package
HYPERPRED_TEST_PACKAGES=(ccache libboost-test-dev libtorch-dev python3-opencv python3-venv doxygen
                         "${HYPERPRED_PYTHON_PACKAGES[@]}" python3-matplotlib chromium
                         liblapack-dev libprotobuf-dev libgfortran-12-dev libjpeg-dev libpng-dev
                         parallel)  # for samples/predict_parts.sh
# The packages: what makes them and what judges them (test/package.sh).
HYPERPRED_PACKAGE_PACKAGES=(dpkg-dev file lintian pkg-config)
# The installed programs: manual pages and completions (test/install_runs.sh, test/completion.py).
HYPERPRED_INSTALL_PACKAGES=(man-db mandoc zsh fish)
HYPERPRED_FUZZ_PACKAGES=(clang libclang-rt-14-dev libboost-test-dev)  # scripts/fuzz.sh alone
# scripts/aarch64.sh: 64-bit ARM, compiled and run here.
HYPERPRED_AARCH64_PACKAGES=(g++-aarch64-linux-gnu qemu-user)
