# Debian packages by CPack: `cpack -G DEB` in a build tree, or scripts/package.sh, which also makes a build for it that
# runs on every processor. Included by the top CMakeLists.txt after everything that installs.
#
#   libopencv-hyperpred0.1    the shared library
#   libopencv-hyperpred-dev   header, find_package and pkg-config files
#   hyperpred                 hyperpred and hyperpred_bench with manual pages, completions and documentation
#   hyperpred-data            models, architectures, their schema
#   python3-hyperpred         the Python package, where Python and pybind11 were there
#   hyperpred-train           hyperpred_train, where libtorch was there
set(HYPERPRED_MAINTAINER "hyperpred maintainers <maintainers@hyperpred.invalid>" CACHE STRING
    "Name and address in the packages")

set(version ${PROJECT_VERSION})
if(HYPERPRED_NATIVE)
  string(APPEND version "+native")  # it may not run on another processor; nobody shall take it for a release
endif()
set(soname ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(library libopencv-hyperpred${soname})

# Copyright and changelog as Debian's policy (12.5, 12.7) wants them in each package, and nowhere else.
find_program(HYPERPRED_GZIP gzip)
set(staging "${CMAKE_BINARY_DIR}/debian")
set(day_format "%a, %d %b %Y %H:%M:%S +0000")
string(TIMESTAMP day "${day_format}" UTC)  # follows SOURCE_DATE_EPOCH
file(WRITE "${staging}/copyright" "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${PROJECT_NAME}

Files: *
Copyright: 2026 the hyperpred contributors
License: Apache-2.0
 On Debian systems the full text of the Apache License, Version 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
")
file(WRITE "${staging}/changelog" "${PROJECT_NAME} (${version}) unstable; urgency=medium

  * Version ${version}. What is new is in /usr/share/doc/hyperpred/NEWS.gz.

 -- ${HYPERPRED_MAINTAINER}  ${day}
")
file(READ "${PROJECT_SOURCE_DIR}/CHANGELOG.md" news)
file(WRITE "${staging}/NEWS" "${news}")
if(HYPERPRED_GZIP)
  execute_process(COMMAND "${HYPERPRED_GZIP}" -9nf "${staging}/changelog" "${staging}/NEWS")
endif()

# hyperpred_package(GROUP PACKAGE SECTION DESCRIPTION COMPONENTS...)
macro(hyperpred_package group package section description)
  string(TOUPPER ${group} upper)
  install(FILES "${staging}/copyright" "${staging}/changelog.gz" DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
          COMPONENT ${group}_debian EXCLUDE_FROM_ALL)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${description}")
  list(APPEND CPACK_COMPONENTS_ALL ${group}_debian ${ARGN})
  foreach(part ${group}_debian ${ARGN})
    string(TOUPPER ${part} part)
    set(CPACK_COMPONENT_${part}_GROUP ${group})
  endforeach()
endmacro()

set(about "hyperpred makes an image classifier from labelled images without a training
run: a hypernetwork predicts the weights of a network for these images, and a
closed-form head is fitted on it. The result is a cv::dnn::Net and an ONNX
file.")

set(CPACK_COMPONENTS_ALL)
hyperpred_package(library ${library} libs "networks predicted from labelled images - library
${about}
.
This package holds the shared library." library)
# CPack writes scripts that call ldconfig for every library and cannot be told not to.
file(WRITE "${staging}/${library}" "${library}: maintscript-calls-ldconfig\n")
install(FILES "${staging}/${library}" DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT library_debian
        EXCLUDE_FROM_ALL)
# Which package a program needs that links it. CPack can write this file, but then warns of python3-hyperpred's module,
# which has no version in its name and needs none.
file(WRITE "${staging}/shlibs" "libopencv_hyperpred ${soname} ${library} (>= ${version})\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_LIST_DIR}/debian/triggers" "${staging}/shlibs")

hyperpred_package(development libopencv-hyperpred-dev libdevel "networks predicted from labelled images - development
${about}
.
This package holds the header, the files for CMake's find_package and for
pkg-config." development)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library} (= ${version}), hyperpred-data (>= ${version}), libopencv-dev")

hyperpred_package(data hyperpred-data science "networks predicted from labelled images - models
${about}
.
This package holds trained hypernetworks and descriptions of architectures." data)
set(CPACK_DEBIAN_DATA_PACKAGE_ARCHITECTURE all)

if(TARGET hyperpred)
  install(FILES "${staging}/NEWS.gz" DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hyperpred COMPONENT tools_debian
          EXCLUDE_FROM_ALL)
  hyperpred_package(tools hyperpred science "networks predicted from labelled images - tools
${about}
.
This package holds the programs hyperpred and hyperpred_bench." tools documentation)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "hyperpred-data (>= ${version})")
endif()
if(TARGET hyperpred_python)
  # Where Debian's policy for Python (3.1) wants modules, whatever HYPERPRED_PYTHON_INSTALL_DIR says, and without the
  # path to the library, which lies where the loader looks: an installation elsewhere needs both.
  set(place lib/python3/dist-packages/hyperpred)
  install(TARGETS hyperpred_python LIBRARY DESTINATION ${place} COMPONENT python_debian EXCLUDE_FROM_ALL)
  set(module "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${place}/$<TARGET_FILE_NAME:hyperpred_python>")
  install(CODE "file(RPATH_REMOVE FILE \"${module}\")" COMPONENT python_debian EXCLUDE_FROM_ALL)
  get_target_property(sources hyperpred_python HYPERPRED_SOURCES)
  install(FILES ${sources} DESTINATION ${place} COMPONENT python_debian EXCLUDE_FROM_ALL)
  hyperpred_package(python python3-hyperpred python "networks predicted from labelled images - Python
${about}
.
This package holds the Python package hyperpred.")
  get_target_property(interpreter hyperpred_python HYPERPRED_DEPENDS)  # an extension module is of one version
  list(JOIN interpreter ", " interpreter)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "${library} (= ${version}), python3-numpy, ${interpreter}")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "hyperpred-data, python3-opencv")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_LIST_DIR}/debian/python/postinst"
      "${CMAKE_CURRENT_LIST_DIR}/debian/python/prerm")
endif()
if(TARGET hyperpred_train)
  hyperpred_package(trainer hyperpred-train science "networks predicted from labelled images - trainer
${about}
.
This package holds hyperpred_train, which makes the hypernetworks." trainer)
  set(CPACK_DEBIAN_TRAINER_PACKAGE_RECOMMENDS hyperpred)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ${PROJECT_NAME})
set(CPACK_PACKAGE_VERSION ${version})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # one for all of them would come first in each description
set(CPACK_PACKAGE_CONTACT "${HYPERPRED_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
get_target_property(library_folder opencv_hyperpred BINARY_DIR)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${library_folder}")  # no package has our own library yet
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SOURCE ${PROJECT_NAME})
set(CPACK_OUTPUT_FILE_PREFIX "${CMAKE_BINARY_DIR}/packages")
include(CPack)
