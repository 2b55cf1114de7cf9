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
# Where OpenCV keeps the headers of its modules.
set(hyperpred_include_dir ${CMAKE_INSTALL_INCLUDEDIR}/opencv${OpenCV_VERSION_MAJOR})
target_include_directories(opencv_hyperpred PUBLIC
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${hyperpred_include_dir}>)
# hyperpred_core brings what the objects need to be linked; of itself nothing is left to take.
target_link_libraries(opencv_hyperpred PUBLIC opencv_core opencv_dnn PRIVATE hyperpred_core)

# Components, so that a package can take a part: library, development, data, tools, python, trainer, documentation,
# licence.
set(hyperpred_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/opencv_hyperpred)
set(hyperpred_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(hyperpred_data_dir ${CMAKE_INSTALL_DATADIR}/hyperpred)
install(TARGETS opencv_hyperpred EXPORT opencv_hyperpredTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT library)
install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/include/opencv2/hyperpred.hpp"
        DESTINATION ${hyperpred_include_dir}/opencv2 COMPONENT development)
install(EXPORT opencv_hyperpredTargets DESTINATION ${hyperpred_config_dir} COMPONENT development)

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/opencv_hyperpredConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfig.cmake"
  INSTALL_DESTINATION ${hyperpred_config_dir}
  PATH_VARS hyperpred_data_dir)
write_basic_package_version_file(
  "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpredConfigVersion.cmake"
        DESTINATION ${hyperpred_config_dir} COMPONENT development)

# Every path in it is relative to the file itself.
file(RELATIVE_PATH hyperpred_prefix_from_pkgconfig "/${hyperpred_pkgconfig_dir}" "/")
configure_file("${CMAKE_CURRENT_LIST_DIR}/opencv_hyperpred.pc.in"
               "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpred.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/opencv_hyperpred.pc" DESTINATION ${hyperpred_pkgconfig_dir}
        COMPONENT development)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/architectures" "${PROJECT_SOURCE_DIR}/data/schema"
        DESTINATION ${hyperpred_data_dir} COMPONENT data FILES_MATCHING PATTERN "*.json")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/models" DESTINATION ${hyperpred_data_dir} COMPONENT data OPTIONAL
        FILES_MATCHING PATTERN "*.safetensors")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/doc/" DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation
        FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(FILES "${PROJECT_SOURCE_DIR}/data/models/README.md" DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME models.md
        COMPONENT documentation)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${PROJECT_SOURCE_DIR}/README.md"
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)
