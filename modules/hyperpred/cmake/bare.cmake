# The build for a machine with CUDA and without OpenCV, Boost, Eigen and JSON packages (HYPERPRED_BARE): the stems that
# need no image, the backends, their tests and `hyperpred_bench gpu`. The headers of the three header libraries lie in
# HYPERPRED_HEADERS, where scripts/gpu_pack.sh has put them; installed ones are found without it.

set(HYPERPRED_HEADERS "" CACHE PATH "Folder with the headers of Boost, Eigen and nlohmann_json")
find_package(Threads REQUIRED)

file(GLOB HYPERPRED_SOURCES CONFIGURE_DEPENDS
     src/*.cpp src/reference/*.cpp src/cpu/*.cpp src/cuda/*.cpp src/cuda/driver/*.cpp)
foreach(stem activation_ranges checked_options classifier image_file images mat_list net_opencv prediction predictor
        support_features support_part support_set updater)  # test/gpu_check.sh and gpu_pack.sh read this list
  list(FILTER HYPERPRED_SOURCES EXCLUDE REGEX "/src/${stem}\\.cpp$")
endforeach()

add_library(hyperpred_headers INTERFACE)
find_path(HYPERPRED_EIGEN Eigen/Core HINTS "${HYPERPRED_HEADERS}/eigen3" PATH_SUFFIXES eigen3 REQUIRED)
target_include_directories(hyperpred_headers SYSTEM INTERFACE "${HYPERPRED_EIGEN}")
if(HYPERPRED_HEADERS)
  target_include_directories(hyperpred_headers SYSTEM INTERFACE "${HYPERPRED_HEADERS}")
endif()
add_library(hyperpred_warnings INTERFACE)
target_compile_options(hyperpred_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow
                       $<$<BOOL:${HYPERPRED_WERROR}>:-Werror>)

add_library(hyperpred_core STATIC ${HYPERPRED_SOURCES})
target_include_directories(hyperpred_core PUBLIC src)
target_compile_definitions(hyperpred_core PUBLIC HYPERPRED_WITHOUT_OPENCV)
target_compile_options(hyperpred_core PUBLIC -march=native)
target_link_libraries(hyperpred_core PUBLIC Threads::Threads hyperpred_headers PRIVATE hyperpred_warnings)
set_target_properties(hyperpred_core PROPERTIES POSITION_INDEPENDENT_CODE ON)
include(cmake/cuda.cmake)

file(GLOB HYPERPRED_MANUAL_SOURCES CONFIGURE_DEPENDS tools/manual/*.cpp)
add_executable(hyperpred_bench tools/bench/main.cpp tools/bench/gpu.cpp ${HYPERPRED_MANUAL_SOURCES})
target_include_directories(hyperpred_bench PRIVATE tools/manual test)  # test: hypernetworks of random weights
target_link_libraries(hyperpred_bench PRIVATE hyperpred_core hyperpred_warnings)
set_target_properties(hyperpred_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# Boost.Test from its headers alone: each test takes the whole of it in.
set(stems backend cuda_kernels fallback_backend)
if(HYPERPRED_WITH_CUDA)
  list(APPEND stems cudnn_graph)
endif()
foreach(stem IN LISTS stems)
  add_executable(test_${stem} test/test_${stem}.cpp)
  target_compile_definitions(test_${stem} PRIVATE HYPERPRED_DATA_DIR="${CMAKE_SOURCE_DIR}/data")
  if(stem STREQUAL "cudnn_graph")
    target_include_directories(test_${stem} SYSTEM PRIVATE "${HYPERPRED_CUDART_INCLUDE}" "${HYPERPRED_CUBLAS_INCLUDE}"
                               "${HYPERPRED_CUDNN_INCLUDE}")
  endif()
  target_link_libraries(test_${stem} PRIVATE hyperpred_core hyperpred_warnings)
  target_compile_options(test_${stem} PRIVATE -fno-tree-slp-vectorize -include boost/test/included/unit_test.hpp)
  target_compile_definitions(test_${stem} PRIVATE BOOST_TEST_MODULE=${stem})
  add_test(NAME test_${stem} COMMAND test_${stem})
  set_tests_properties(test_${stem} PROPERTIES LABELS unit TIMEOUT 600)
endforeach()
