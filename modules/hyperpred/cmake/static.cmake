# hyperpred_static: the tool in one file, for machines without OpenCV. Static are the module, OpenCV's core, imgproc and
# dnn, protobuf, LAPACK, libjpeg, libpng, zlib and Boost. Shared remain TBB, of which Debian has no static library, the
# C++ library that it shares with the tool, and glibc. tools/static stands in for imgcodecs, videoio and OpenGL
# (doc/edge.md).
set(missing)
set(archives)
foreach(name opencv_dnn opencv_imgproc opencv_core protobuf lapack blas boost_program_options jpeg png z)
  find_library(HYPERPRED_STATIC_${name} lib${name}.a)
  if(HYPERPRED_STATIC_${name})
    list(APPEND archives "${HYPERPRED_STATIC_${name}}")
  else()
    list(APPEND missing lib${name}.a)
  endif()
endforeach()
foreach(name gfortran quadmath)  # of reference LAPACK; they lie where the compiler's own libraries are
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=lib${name}.a OUTPUT_VARIABLE path
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(IS_ABSOLUTE "${path}")
    list(APPEND archives "${path}")
  else()
    list(APPEND missing lib${name}.a)
  endif()
endforeach()
find_library(HYPERPRED_STATIC_TBB tbb)
if(NOT HYPERPRED_STATIC_TBB)
  list(APPEND missing libtbb.so)
endif()
if(missing)
  message(STATUS "hyperpred: hyperpred_static is left out, not found: ${missing}")
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS static/*.cpp)
add_executable(hyperpred_static hyperpred/main.cpp ${sources})
target_include_directories(hyperpred_static PRIVATE hyperpred manual ../src ../include)
target_include_directories(hyperpred_static SYSTEM PRIVATE ${OpenCV_INCLUDE_DIRS})
target_link_libraries(hyperpred_static PRIVATE hyperpred_warnings hyperpred_native Threads::Threads)
# By their files: as targets they would bring OpenCV's shared libraries.
add_dependencies(hyperpred_static hyperpred_commands)
target_link_options(hyperpred_static PRIVATE -Wl,--gc-sections -s)
target_link_libraries(hyperpred_static PRIVATE
  $<TARGET_FILE:hyperpred_commands> $<TARGET_FILE:hyperpred_manual> $<TARGET_FILE:hyperpred_core>
  -Wl,--start-group ${archives} -Wl,--end-group
  "${HYPERPRED_STATIC_TBB}" ${CMAKE_DL_LIBS})
set_target_properties(hyperpred_static PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
