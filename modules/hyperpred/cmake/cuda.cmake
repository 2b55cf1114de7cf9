# The CUDA backend (src/cuda/driver) as part of hyperpred_core: one file for nvcc, the rest for the C++ compiler.
#
# HYPERPRED_CUDA AUTO (where all is found), ON (an error where not) or OFF. cudart is linked statically; of cuBLAS and
# cuDNN only the headers are needed to build, and the libraries are opened when a device is first used, so that the
# program starts without them.
# HYPERPRED_CUDA_ROOT: a toolkit, or Python's site-packages with NVIDIA's wheels (nvidia-cuda-nvcc, nvidia-cuda-runtime,
# nvidia-cuda-cccl, nvidia-cublas, nvidia-cudnn-cu13); several paths are looked at in their order.
#
# nvcc is called by a custom command and not through CMake's CUDA language: CMake 3.25 does not know CUDA 13, and the
# wheels' layout is none that it looks for.

if(POLICY CMP0116)
  cmake_policy(SET CMP0116 NEW)  # the dependency file names absolute paths
endif()
set(HYPERPRED_CUDA_ROOT "" CACHE STRING "Toolkits or site-packages folders with CUDA, cuBLAS and cuDNN")
set(HYPERPRED_CUDA_ARCHITECTURES "75;90" CACHE STRING "Compute capabilities to build for, ascending")
set(HYPERPRED_WITH_CUDA OFF)
if(NOT HYPERPRED_CUDA)
  return()
endif()

set(roots ${HYPERPRED_CUDA_ROOT} $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda)
set(suffixes . nvidia/cu13 nvidia/cu12 nvidia/cuda_nvcc nvidia/cuda_runtime nvidia/cublas nvidia/cudnn)
set(hints)
foreach(root IN LISTS roots)
  foreach(suffix IN LISTS suffixes)
    list(APPEND hints "${root}/${suffix}")
  endforeach()
endforeach()
find_program(HYPERPRED_NVCC nvcc HINTS ${hints} PATH_SUFFIXES bin)
# The runtime's headers and library are the compiler's own, where it has them: beside PyTorch lie those of another
# release, maybe, and the two do not mix.
if(HYPERPRED_NVCC)
  get_filename_component(own "${HYPERPRED_NVCC}" REALPATH)
  get_filename_component(own "${own}" DIRECTORY)
  get_filename_component(own "${own}" DIRECTORY)
  list(PREPEND hints "${own}" "${own}/targets/${CMAKE_SYSTEM_PROCESSOR}-linux")
endif()
find_path(HYPERPRED_CUDART_INCLUDE cuda_runtime_api.h HINTS ${hints} PATH_SUFFIXES include)
find_library(HYPERPRED_CUDART_STATIC libcudart_static.a HINTS ${hints} PATH_SUFFIXES lib64 lib lib/x64)
find_path(HYPERPRED_CUBLAS_INCLUDE cublas_v2.h HINTS ${hints} PATH_SUFFIXES include)
find_path(HYPERPRED_CUDNN_INCLUDE cudnn.h HINTS ${hints} PATH_SUFFIXES include)
set(missing)
foreach(found HYPERPRED_NVCC HYPERPRED_CUDART_INCLUDE HYPERPRED_CUDART_STATIC HYPERPRED_CUBLAS_INCLUDE
        HYPERPRED_CUDNN_INCLUDE)
  if(NOT ${found})
    list(APPEND missing ${found})
  endif()
endforeach()
if(NOT missing)
  file(STRINGS "${HYPERPRED_CUDNN_INCLUDE}/cudnn_version.h" major REGEX "#define CUDNN_MAJOR [0-9]+")
  if(NOT major MATCHES "CUDNN_MAJOR (9|[1-9][0-9])")
    list(APPEND missing "cuDNN 9 or later")
  endif()
endif()
if(missing)
  if(NOT HYPERPRED_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "hyperpred: HYPERPRED_CUDA is ${HYPERPRED_CUDA}, but not found: ${missing}")
  endif()
  message(STATUS "hyperpred: no CUDA backend, not found: ${missing}")
  return()
endif()

# Code for each architecture, and for later ones what the driver compiles from the last.
set(codes)
foreach(architecture IN LISTS HYPERPRED_CUDA_ARCHITECTURES)
  list(APPEND codes -gencode arch=compute_${architecture},code=sm_${architecture})
  set(last ${architecture})
endforeach()
list(APPEND codes -gencode arch=compute_${last},code=compute_${last})

set(source "${CMAKE_CURRENT_SOURCE_DIR}/src/cuda/driver/kernels.cu")
set(object "${CMAKE_CURRENT_BINARY_DIR}/cuda/kernels.o")
file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/cuda")
set(host_options -fPIC,-Wall,-Wextra)
if(HYPERPRED_WERROR)
  string(APPEND host_options ,-Werror)
  set(werror -Werror all-warnings)
endif()
set(HYPERPRED_CCACHE_COMMAND)
if(HYPERPRED_CCACHE)
  set(HYPERPRED_CCACHE_COMMAND "${HYPERPRED_CCACHE}")
endif()
add_custom_command(
  OUTPUT "${object}"
  COMMAND ${HYPERPRED_CCACHE_COMMAND} "${HYPERPRED_NVCC}" -std=c++17 -O3 -lineinfo ${codes} ${werror} -Xcompiler ${host_options}
          -ccbin "${CMAKE_CXX_COMPILER}" -I "${CMAKE_CURRENT_SOURCE_DIR}/src" -I "${HYPERPRED_CUDART_INCLUDE}"
          -MD -MF "${object}.d" -MT "${object}" -c "${source}" -o "${object}"
  DEPENDS "${source}"
  DEPFILE "${object}.d"
  COMMENT "Building CUDA object kernels.o for ${HYPERPRED_CUDA_ARCHITECTURES}"
  VERBATIM)

# Only these files get flags of their own: all others compile as in a build without CUDA, and ccache knows them.
file(GLOB driver CONFIGURE_DEPENDS src/cuda/driver/*.cpp)
list(APPEND driver "${CMAKE_CURRENT_SOURCE_DIR}/src/cuda/cuda_stub.cpp")
set_property(SOURCE ${driver} APPEND PROPERTY COMPILE_DEFINITIONS HYPERPRED_WITH_CUDA)
foreach(folder IN ITEMS "${HYPERPRED_CUDART_INCLUDE}" "${HYPERPRED_CUBLAS_INCLUDE}" "${HYPERPRED_CUDNN_INCLUDE}")
  set_property(SOURCE ${driver} APPEND PROPERTY COMPILE_OPTIONS -isystem "${folder}")
endforeach()
find_library(HYPERPRED_CUDNN_LIBRARY NAMES libcudnn.so.9 libcudnn.so HINTS ${hints} PATH_SUFFIXES lib64 lib)
find_library(HYPERPRED_CUBLAS_LIBRARY NAMES libcublas.so.13 libcublas.so.12 libcublas.so NAMES_PER_DIR HINTS ${hints}
             PATH_SUFFIXES lib64 lib)
foreach(library CUDNN CUBLAS)
  if(HYPERPRED_${library}_LIBRARY)
    get_filename_component(folder "${HYPERPRED_${library}_LIBRARY}" DIRECTORY)
    set_property(SOURCE "${CMAKE_CURRENT_SOURCE_DIR}/src/cuda/driver/libraries.cpp" APPEND PROPERTY
                 COMPILE_DEFINITIONS HYPERPRED_${library}_FOLDER="${folder}")
  endif()
endforeach()

set(HYPERPRED_WITH_CUDA ON)
message(STATUS "hyperpred: CUDA backend with ${HYPERPRED_NVCC} for ${HYPERPRED_CUDA_ARCHITECTURES}")
target_sources(hyperpred_core PRIVATE "${object}")
set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
target_link_libraries(hyperpred_core PUBLIC "${HYPERPRED_CUDART_STATIC}" ${CMAKE_DL_LIBS} rt)
