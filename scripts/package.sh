#!/usr/bin/env bash
# Builds the Debian packages for distribution and tests them: for every processor of the architecture (the kernels
# choose their instructions when they run), with Debian's hardening, dated by the commit.
#   scripts/package.sh [OUT]     packages into the folder OUT, build/packages by default
# HYPERPRED_TRAINER=ON also makes hyperpred-train, which needs libtorch.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
hyperpred_install "${HYPERPRED_BUILD_PACKAGES[@]}" "${HYPERPRED_PACKAGE_PACKAGES[@]}" "${HYPERPRED_PYTHON_PACKAGES[@]}"
out=${1:-build/packages}
build=build/package

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
export DEB_BUILD_MAINT_OPTIONS=hardening=+bindnow
flags=$(dpkg-buildflags --get CPPFLAGS)
for flag in $(dpkg-buildflags --get CXXFLAGS); do
    case $flag in -g | -O2) ;; *) flags+=" $flag" ;; esac  # CMake's Release says -O3, and nobody asks for symbols
done
linker=$(dpkg-buildflags --get LDFLAGS)
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr \
    -DHYPERPRED_ZSH_FOLDER=share/zsh/vendor-completions \
    -DHYPERPRED_NATIVE=OFF -DHYPERPRED_TESTS=OFF -DHYPERPRED_SAMPLES=OFF -DHYPERPRED_CUDA=OFF \
    -DHYPERPRED_PYTHON=ON \
    -DHYPERPRED_TRAINER="${HYPERPRED_TRAINER:-OFF}" \
    -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_EXE_LINKER_FLAGS="$linker" -DCMAKE_SHARED_LINKER_FLAGS="$linker" \
    -DCMAKE_MODULE_LINKER_FLAGS="$linker"
cmake --build "$build"
test/package.sh "$build" . "$out"
