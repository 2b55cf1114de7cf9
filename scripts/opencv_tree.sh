#!/usr/bin/env bash
# Builds the module inside OpenCV's own tree, from Debian's source package of OpenCV, with its tests, perf tests and
# Python binding (cv2.hyperpred), and runs all three. On Debian 12 as root or with sudo; the network is for apt alone.
# usage: scripts/opencv_tree.sh [FOLDER]      FOLDER: build/opencv-tree where not given; a second run goes on from there
# JOBS: parallel compilations, all processors where not set. A summary is left in FOLDER/summary.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
. scripts/packages.sh
hyperpred_install g++ cmake ninja-build dpkg-dev libeigen3-dev nlohmann-json3-dev libprotobuf-dev protobuf-compiler \
    libjpeg-dev libpng-dev zlib1g-dev python3-dev python3-numpy

mkdir -p "${1:-build/opencv-tree}"
folder=$(cd "${1:-build/opencv-tree}" && pwd)
source=$folder/opencv
build=$folder/build
summary=$folder/summary.txt
jobs=${JOBS:-$(nproc)}
: >"$summary"
say() { echo "$*" | tee -a "$summary"; }

# Sources by apt, from a list of our own: the machine's configuration is neither needed nor changed.
fetch_source() {
    local apt=$folder/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
    cat >"$apt/sources/src.sources" <<END
Types: deb-src
URIs: ${DEBIAN_MIRROR:-http://deb.debian.org/debian}
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
    local options=(-qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/sources"
                   -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$folder" && apt-get "${options[@]}" source --download-only opencv)
    rm -rf "$source.part"
    dpkg-source -x "$folder"/opencv_*.dsc "$source.part" >"$folder/unpack.log" 2>&1
    mv "$source.part" "$source"
}

# Only what the module, its tests and cv2 need; nothing that OpenCV would download.
configure() {
    local launcher=()
    command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
    local off=() name
    for name in 1394 ADE CUDA EIGEN FFMPEG GSTREAMER GTK IPP ITT JASPER LAPACK OPENCL OPENEXR OPENJPEG QUIRC TIFF V4L \
                VTK WEBP; do off+=("-DWITH_$name=OFF"); done
    for name in PROTOBUF JAVA opencv_apps EXAMPLES DOCS PACKAGE; do off+=("-DBUILD_$name=OFF"); done
    cmake -S "$source" -B "$build" -G Ninja "${launcher[@]}" "${off[@]}" \
        -DOPENCV_EXTRA_MODULES_PATH="$repository/modules" -DBUILD_LIST=hyperpred,python3,ts \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DCPU_DISPATCH= \
        -DENABLE_CCACHE=OFF -DENABLE_PRECOMPILED_HEADERS=OFF -DPROTOBUF_UPDATE_FILES=ON \
        -DBUILD_TESTS=ON -DOPENCV_BUILD_TEST_MODULES_LIST=hyperpred \
        -DBUILD_PERF_TESTS=ON -DOPENCV_BUILD_PERF_TEST_MODULES_LIST=hyperpred \
        -DPYTHON3_EXECUTABLE=/usr/bin/python3 -DCMAKE_INSTALL_PREFIX="$folder/installed" \
        >"$folder/configure.log" 2>&1 || { tail -n 40 "$folder/configure.log" >&2; exit 1; }
    grep -E '^--     (To be built|C\+\+ Compiler|Interpreter|numpy|Protobuf):' "$folder/configure.log" |
        sed 's/^-- *//; s/: */: /' | tee -a "$summary"
    grep -q 'To be built:.* hyperpred' "$folder/configure.log" || { echo "hyperpred is not among them" >&2; exit 1; }
}

build() {
    cmake --build "$build" -j "$jobs" --target opencv_hyperpred opencv_test_hyperpred opencv_perf_hyperpred \
        opencv_python3 >"$folder/build.log" 2>&1 ||
        { grep -A25 FAILED "$folder/build.log" | head -n 60 >&2; exit 1; }
    local made
    made=$(cd "$build" && ls lib/libopencv_hyperpred.so bin/opencv_test_hyperpred bin/opencv_perf_hyperpred \
        lib/python3/cv2*.so)
    say "built:"
    say "  ${made//$'\n'/$'\n'  }"
    say "compiler warnings in the module: $(grep -c 'modules/hyperpred/.* warning: ' "$folder/build.log" || true)"
}

# run NAME PATTERN COMMAND...: the output goes to FOLDER/NAME.log, its lines of PATTERN into the summary as well.
run() {
    local name=$1 pattern=$2
    shift 2
    "$@" >"$folder/$name.log" 2>&1 || { tail -n 40 "$folder/$name.log" >&2; echo "failed: $*" >&2; exit 1; }
    say "$name:"
    grep -E "$pattern" "$folder/$name.log" | tee -a "$summary"
}

[ -d "$source" ] || fetch_source
say "$(sed -n 's/^opencv (\([^)]*\)).*/OpenCV \1 from Debian'\''s source package/p;q' "$source/debian/changelog")"
configure
build
export OPENCV_TEST_DATA_PATH=$repository/data  # where OpenCV's tests look for files
run opencv_test_hyperpred '^\[( +OK|  PASSED|=====.* ran)' "$build/bin/opencv_test_hyperpred"
run opencv_perf_hyperpred '^\[( RUN|  PASSED| PERFSTAT)|GetParam' "$build/bin/opencv_perf_hyperpred" \
    --perf_force_samples=3
run cv2.hyperpred '^(Testing|test_|Ran|OK|cv2)' env PYTHONPATH="$build/python_loader:$source/modules/python/test" \
    /usr/bin/python3 -B "$repository/modules/hyperpred/misc/python/test/test_hyperpred.py" -v
