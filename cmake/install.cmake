# Install rules: a CMake package (find_package(troupe CONFIG)) and a pkg-config file.

include(CheckCXXSourceCompiles)
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# _GLIBCXX_DEBUG changes the containers in the library's interface: programs that use the package are told how it was
# built (include/troupe/core/abi.hpp).
check_cxx_source_compiles("#include <vector>
#ifndef _GLIBCXX_DEBUG
#error
#endif
int main() {}" TROUPE_HAS_GLIBCXX_DEBUG)
if(TROUPE_HAS_GLIBCXX_DEBUG)
  set(TROUPE_GLIBCXX_DEBUG 1)
else()
  set(TROUPE_GLIBCXX_DEBUG 0)
endif()
target_compile_definitions(troupe INTERFACE $<INSTALL_INTERFACE:TROUPE_GLIBCXX_DEBUG=${TROUPE_GLIBCXX_DEBUG}>)

set(targets troupe)
if(TARGET troupe_testing)
  list(APPEND targets troupe_testing)
endif()
install(
  TARGETS ${targets}
  EXPORT troupe
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
)
install(
  DIRECTORY include/troupe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN impl EXCLUDE
)

# The sources, for programs that build no library: they lie beside the header that includes them.
set(impl ${CMAKE_INSTALL_INCLUDEDIR}/troupe/impl)
install(DIRECTORY src DESTINATION ${impl} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cpp")
foreach(header src testing_src)
  file(READ include/troupe/impl/${header}.hpp text)
  string(REPLACE "\"../../../src/" "\"src/" text "${text}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/impl/${header}.hpp CONTENT "${text}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS include/troupe/impl/${header}.hpp)
  install(FILES ${PROJECT_BINARY_DIR}/impl/${header}.hpp DESTINATION ${impl})
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)
install(EXPORT troupe NAMESPACE troupe:: FILE troupe-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(
  cmake/troupe-config.cmake.in ${PROJECT_BINARY_DIR}/troupe-config.cmake INSTALL_DESTINATION ${package_dir}
)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/troupe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/troupe-config.cmake ${PROJECT_BINARY_DIR}/troupe-config-version.cmake
        cmake/troupe-check-coroutines.cmake
  DESTINATION ${package_dir}
)
install(PROGRAMS tests/lint/lint_co_await.py DESTINATION ${package_dir})  # for troupe_check_coroutines, and by hand

# A static library leaves its own dependencies to the program's link line; a shared one has them inside.
get_target_property(type troupe TYPE)
if(type STREQUAL "STATIC_LIBRARY")
  set(TROUPE_PC_REQUIRES "nlohmann_json, fmt, sqlite3")
  set(TROUPE_PC_REQUIRES_PRIVATE "")
else()
  set(TROUPE_PC_REQUIRES "nlohmann_json")
  set(TROUPE_PC_REQUIRES_PRIVATE "fmt, sqlite3")
endif()
# Relocatable: the prefix is where the file is found.
file(RELATIVE_PATH TROUPE_PC_PREFIX
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX}
)
string(REGEX REPLACE "/$" "" TROUPE_PC_PREFIX "${TROUPE_PC_PREFIX}")
configure_file(cmake/troupe.pc.in troupe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/troupe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET troupe_testing)
  configure_file(cmake/troupe-testing.pc.in troupe-testing.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/troupe-testing.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
