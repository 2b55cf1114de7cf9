#!/usr/bin/env bash
# Builds the module and two samples for 64-bit ARM with Debian's cross compiler, runs one small prediction under
# qemu-user and compares it with this machine's: the same labels, scores within 1e-4.
#   scripts/aarch64.sh            as root or with sudo, the first time; everything goes to build/aarch64
# Exit status 77: Debian's packages for arm64 cannot be had from here.
# OpenCV for arm64 comes from Debian's packages, unpacked into build/aarch64/sysroot: nothing of another architecture is
# installed on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
hyperpred_install "${HYPERPRED_BUILD_PACKAGES[@]}" "${HYPERPRED_AARCH64_PACKAGES[@]}"

source=$PWD
build=$source/build/aarch64
sysroot=$build/sysroot
libraries=(libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev libopencv-dnn-dev)

# apt with a state of its own, in which the machine is an arm64 without a package: what it would install is the closure.
apt_arm64() {
    APT_CONFIG=$build/apt/apt.conf "$@"
}

lay_sysroot() {
    local state=$build/apt
    rm -rf "$sysroot" "$state"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$sysroot"/usr/{bin,lib,sbin}
    : >"$state/status"
    cat >"$state/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
CONF
    if ! apt_arm64 apt-get update -qq ||
        ! apt_arm64 apt-get install -y -qq --download-only "${libraries[@]}" >/dev/null; then
        echo "scripts/aarch64.sh: Debian's packages for arm64 cannot be had" >&2
        exit 77
    fi
    local name package
    for name in bin lib sbin; do ln -s "usr/$name" "$sysroot/$name"; done
    for package in "$state"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$sysroot" \
            --exclude='./usr/share/doc' --exclude='./usr/share/locale' --exclude='./usr/share/man' \
            --exclude='./usr/lib/aarch64-linux-gnu/*.a'
    done
    rm -rf "$state/cache"
    # Links that a package makes when it is set up.
    ln -s blas/libblas.so.3 lapack/liblapack.so.3 "$sysroot/usr/lib/aarch64-linux-gnu/"

    # Debian's own OpenCVConfig.cmake asks for every module of OpenCV.
    local config=$sysroot/usr/lib/aarch64-linux-gnu/cmake/opencv4
    mkdir -p "$config"
    cat >"$config/OpenCVConfig.cmake" <<'CONF'
get_filename_component(OpenCV_ROOT "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)
set(OpenCV_INCLUDE_DIRS "${OpenCV_ROOT}/include/opencv4")
set(OpenCV_LIBS)
foreach(component IN ITEMS core imgproc imgcodecs dnn)
  set(OpenCV_${component}_FOUND TRUE)
  list(APPEND OpenCV_LIBS opencv_${component})
  if(NOT TARGET opencv_${component})
    add_library(opencv_${component} SHARED IMPORTED)
    set_target_properties(opencv_${component} PROPERTIES
      IMPORTED_LOCATION "${OpenCV_ROOT}/lib/aarch64-linux-gnu/libopencv_${component}.so"
      INTERFACE_INCLUDE_DIRECTORIES "${OpenCV_INCLUDE_DIRS}"
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${OpenCV_INCLUDE_DIRS}")
  endif()
endforeach()
set(OpenCV_FOUND TRUE)
foreach(component IN LISTS OpenCV_FIND_COMPONENTS)
  if(NOT OpenCV_${component}_FOUND AND OpenCV_FIND_REQUIRED_${component})
    set(OpenCV_FOUND FALSE)
  endif()
endforeach()
CONF
    sed -n 's/^#define CV_VERSION_\(MAJOR\|MINOR\|REVISION\) *\([0-9]*\).*/\2/p' \
        "$sysroot/usr/include/opencv4/opencv2/core/version.hpp" | paste -sd. |
        sed 's/.*/set(OpenCV_VERSION "&")/' >>"$config/OpenCVConfig.cmake"
    touch "$sysroot/complete"
}

samples=(hyperpred_sample_predict_folder hyperpred_sample_classify_image)

compile() {  # compile FOLDER CMAKE-OPTION...
    local folder=$1
    shift
    cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" \
        -DHYPERPRED_WERROR=ON -DHYPERPRED_CUDA=OFF -DHYPERPRED_TESTS=OFF -DHYPERPRED_TOOLS=OFF \
        -DHYPERPRED_TRAINER=OFF -DHYPERPRED_NATIVE=OFF "$@" >"$folder.log" 2>&1 ||
        { cat "$folder.log" >&2; return 1; }
    cmake --build "$folder" --target "${samples[@]}" >>"$folder.log" 2>&1 || { tail -n 40 "$folder.log" >&2; return 1; }
}

# Eight images to learn from, six that are new.
choose_images() {
    rm -rf "$build/support" "$build/new"
    mkdir -p "$build/support" "$build/new"
    local class image
    for class in gear washer; do
        mkdir "$build/support/$class"
        cp data/images/parts/support/$class/0[0-3].jpg "$build/support/$class/"
        for image in data/images/parts/heldout/$class/0[0-2].jpg; do
            cp "$image" "$build/new/${class}_$(basename "$image")"
        done
    done
}

run_samples() {  # run_samples FOLDER OUT COMMAND-BEFORE...
    local folder=$1 out=$2
    shift 2
    mkdir -p "$out"
    "$@" "$folder/bin/hyperpred_sample_predict_folder" "$build/support" --out="$out/net.onnx" \
        --model="$source/data/models/resnet18.safetensors" >"$out/predict.txt" 2>"$out/progress.txt" ||
        { tail -n 5 "$out/progress.txt" >&2; return 1; }
    "$@" "$folder/bin/hyperpred_sample_classify_image" "$out/net.onnx" "$build"/new/*.jpg >"$out/answers.txt"
}

mkdir -p "$build"
[ -e "$sysroot/complete" ] || lay_sysroot
host=$source/build/cpu-release  # the tests' build, where there is one
if [ -e "$host/build.ninja" ]; then
    cmake --build "$host" --target "${samples[@]}" >"$build/host.log" 2>&1 ||
        { tail -n 40 "$build/host.log" >&2; exit 1; }
else
    host=$build/host
    compile "$host"
fi
compile "$build/cross" -DCMAKE_TOOLCHAIN_FILE="$source/cmake/aarch64.cmake" -DHYPERPRED_SYSROOT="$sysroot" \
    -DOpenCV_DIR="$sysroot/usr/lib/aarch64-linux-gnu/cmake/opencv4"
choose_images
run_samples "$host" "$build/here"
run_samples "$build/cross" "$build/there" qemu-aarch64 -L "$sysroot"
head -n 1 "$build/there/predict.txt"
grep -q NEON "$build/there/predict.txt" || { echo "the kernels were not compiled for NEON" >&2; exit 1; }

# Fields of both: file, class, score.
paste "$build/here/answers.txt" "$build/there/answers.txt" | awk -F '\t' '
    NF != 6 || $1 != $4 { print "not the same images: " $0; failed++; next }
    {
        apart = $3 - $6; if (apart < 0) apart = -apart
        if (apart > most) most = apart
        if ($2 != $5 || apart > 1e-4) { print "differs: " $0; failed++ } else passed++
    }
    END {
        printf "aarch64 against this machine: scores at most %.6f apart\n", most
        printf "%d passed, %d failed\n", passed, failed
        exit (failed > 0 || passed != 6)
    }'
