# The library that others link, and what `cmake --install` puts where. Included by ../CMakeLists.txt.
include(CMakePackageConfigHelpers)

# Only what the public header marks CV_EXPORTS leaves the shared library. The flags are the static library's, because
# both are made of the same object files.
set_target_properties(hyperpred_core PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_compile_definitions(hyperpred_core PRIVATE CVAPI_EXPORTS)

add_library(opencv_hyperpred SHARED $<TARGET_OBJECTS:hyperpred_core>)
set_target_properties(opencv_hyperpred PROPERTIES
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  DEFINE_SYMBOL "")
set(hyperpred_include_dir ${CMAKE_INSTALL_INCLUDEDIR}/opencv4)  # where OpenCV 4 keeps the headers of its modules
target_include_directories(opencv_hyperpred PUBLIC
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${hyperpred_include_dir}>)
# hyperpred_core brings what the objects need to be linked; of itself nothing is left to take.
target_link_libraries(opencv_hyperpred PUBLIC opencv_core opencv_dnn PRIVATE hyperpred_core)

set(hyperpred_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/opencv_hyperpred)
set(hyperpred_data_dir ${CMAKE_INSTALL_DATADIR}/hyperpred)
install(TARGETS opencv_hyperpred EXPORT opencv_hyperpredTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/include/opencv2/hyperpred.hpp"
        DESTINATION ${hyperpred_include_dir}/opencv2)
install(EXPORT opencv_hyperpredTargets DESTINATION ${hyperpred_config_dir})

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/opencv_hyperpredConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfig.cmake"
  INSTALL_DESTINATION ${hyperpred_config_dir}
  PATH_VARS hyperpred_data_dir)
write_basic_package_version_file(
  "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfigVersion.cmake"
        DESTINATION ${hyperpred_config_dir})

install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/architectures" DESTINATION ${hyperpred_data_dir}
        FILES_MATCHING PATTERN "*.json")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/models" DESTINATION ${hyperpred_data_dir} OPTIONAL
        FILES_MATCHING PATTERN "*.safetensors")
