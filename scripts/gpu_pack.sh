#!/usr/bin/env bash
# Puts the headers that the bare build takes from Boost, Eigen and nlohmann_json into .gpu/include (ignored by git), so
# that scripts/gpu_check.sh can build on a GPU machine that has none of them. Run where their packages are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.gpu/include
rm -rf "$folder"
mkdir -p "$folder"
module=modules/hyperpred
sources=$(ls $module/src/*.cpp $module/src/reference/*.cpp $module/src/cpu/*.cpp $module/src/cuda/*.cpp \
             $module/tools/bench/main.cpp $module/tools/bench/gpu.cpp |
          grep -vE "/src/($(sed -n '/^foreach(stem activation/,/)/p' $module/cmake/bare.cmake |
                            sed 's/foreach(stem//; s/).*//' | xargs | tr ' ' '|'))\.cpp$")
tests="$module/test/test_backend.cpp $module/test/test_cuda_kernels.cpp $module/test/test_fallback_backend.cpp"
headers() {
    g++ -std=c++17 -DHYPERPRED_WITHOUT_OPENCV -DBOOST_TEST_MODULE=pack -I "$module/src" -I "$module/test" \
        -I "$module/tools/manual" -I /usr/include/eigen3 "$@" -M 2>/dev/null | tr ' \\' '\n\n' |
        grep -E '^/usr/(local/)?include/(boost|eigen3|nlohmann)/'
}
for source in $sources; do headers "$source" || true; done >.gpu/list
for test in $tests; do headers -include boost/test/included/unit_test.hpp "$test" || true; done >>.gpu/list
# What a configuration switch hides here, another compiler may ask for.
find /usr/include/boost/config /usr/include/boost/predef /usr/include/eigen3/Eigen/src/Core -type f >>.gpu/list
sort -u .gpu/list | while read -r header; do
    target="$folder/${header#/usr/include/}"
    mkdir -p "$(dirname "$target")"
    cp "$header" "$target"
done
rm .gpu/list
echo "packed $(find "$folder" -type f | wc -l) headers, $(du -sh "$folder" | cut -f1), into $folder"
