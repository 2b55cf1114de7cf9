# Toolchain file: Debian's cross compiler for aarch64, with OpenCV and its libraries in HYPERPRED_SYSROOT as
# scripts/aarch64.sh lays it out. Headers of libraries that are headers alone are this machine's own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HYPERPRED_SYSROOT)
set(CMAKE_FIND_ROOT_PATH "${HYPERPRED_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
# OpenCV needs some hundred libraries; they are found when the program runs, here when it is linked.
set(folders "${HYPERPRED_SYSROOT}/usr/lib/aarch64-linux-gnu:${HYPERPRED_SYSROOT}/usr/lib")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${folders}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${CMAKE_EXE_LINKER_FLAGS_INIT}")
