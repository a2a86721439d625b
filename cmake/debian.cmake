# Debian packages of the three components, by `cpack` in the build folder. With a shared library (BUILD_SHARED_LIBS):
# libtroupe0.1, libtroupe-dev, libtroupe-testing; with a static one, which is a part of libtroupe-dev, the last two.

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR troupe)
set(CPACK_PACKAGE_CONTACT "The troupe authors")
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libtroupe${soversion})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}: the shared library")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libtroupe-dev)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "${PROJECT_DESCRIPTION}: headers, CMake package and pkg-config file")

set(CPACK_DEBIAN_TESTING_PACKAGE_NAME libtroupe-testing)
set(CPACK_DEBIAN_TESTING_PACKAGE_DEPENDS "libtroupe-dev (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_TESTING_DESCRIPTION "${PROJECT_DESCRIPTION}: simulation and test kit for programs that use them")

set(CPACK_COMPONENTS_ALL development testing)
if(TROUPE_IS_STATIC)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "nlohmann-json3-dev, libfmt-dev, libsqlite3-dev")
else()
  list(APPEND CPACK_COMPONENTS_ALL runtime)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libtroupe${soversion} (= ${PROJECT_VERSION}), nlohmann-json3-dev"
  )
  set(CPACK_DEBIAN_TESTING_PACKAGE_SHLIBDEPS ON)
endif()
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/src)

include(CPack)
