# Install rules: a CMake package (find_package(troupe CONFIG)) and a pkg-config file. In components: `runtime` is what a
# program needs that was linked with a shared library, `development` what its build needs, `testing` the test kit.

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

install(
  TARGETS troupe
  EXPORT troupe
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
)
set(headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(
  DIRECTORY include/troupe ${headers}
  FILES_MATCHING PATTERN "*.hpp" PATTERN impl EXCLUDE PATTERN testing EXCLUDE PATTERN testing.hpp EXCLUDE
)
if(TARGET troupe_testing)
  install(
    TARGETS troupe_testing
    EXPORT troupe-testing
    LIBRARY COMPONENT testing NAMELINK_COMPONENT testing
    ARCHIVE COMPONENT testing
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  )
  set(testing_headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe COMPONENT testing)
  install(FILES include/troupe/testing.hpp ${testing_headers})
  install(DIRECTORY include/troupe/testing ${testing_headers} FILES_MATCHING PATTERN "*.hpp")
endif()

# The sources, for programs that build no library: they lie beside the header that includes them.
set(impl ${CMAKE_INSTALL_INCLUDEDIR}/troupe/impl)
install(
  DIRECTORY src DESTINATION ${impl} COMPONENT development
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cpp" PATTERN testing EXCLUDE
)
install(
  DIRECTORY src/testing DESTINATION ${impl}/src COMPONENT testing FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cpp"
)
foreach(header src testing_src)
  set(component development)
  if(header STREQUAL "testing_src")
    set(component testing)
  endif()
  file(READ include/troupe/impl/${header}.hpp text)
  string(REPLACE "\"../../../src/" "\"src/" text "${text}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/impl/${header}.hpp CONTENT "${text}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS include/troupe/impl/${header}.hpp)
  install(FILES ${PROJECT_BINARY_DIR}/impl/${header}.hpp DESTINATION ${impl} COMPONENT ${component})
endforeach()

# A static library leaves its own dependencies to the program's link line; a shared one has them inside.
get_target_property(type troupe TYPE)
if(type STREQUAL "STATIC_LIBRARY")
  set(TROUPE_IS_STATIC TRUE)
  set(TROUPE_PC_REQUIRES "nlohmann_json, fmt, sqlite3")
  set(TROUPE_PC_REQUIRES_PRIVATE "")
else()
  set(TROUPE_IS_STATIC FALSE)
  set(TROUPE_PC_REQUIRES "nlohmann_json")
  set(TROUPE_PC_REQUIRES_PRIVATE "fmt, sqlite3")
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)
set(package DESTINATION ${package_dir} COMPONENT development)
install(EXPORT troupe NAMESPACE troupe:: FILE troupe-targets.cmake ${package})
if(TARGET troupe_testing)
  install(
    EXPORT troupe-testing NAMESPACE troupe:: FILE troupe-testing-targets.cmake
    DESTINATION ${package_dir} COMPONENT testing
  )
endif()
configure_package_config_file(
  cmake/troupe-config.cmake.in ${PROJECT_BINARY_DIR}/troupe-config.cmake INSTALL_DESTINATION ${package_dir}
)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/troupe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/troupe-config.cmake ${PROJECT_BINARY_DIR}/troupe-config-version.cmake
        cmake/troupe-check-coroutines.cmake
  ${package}
)
install(PROGRAMS tests/lint/lint_co_await.py ${package})  # for troupe_check_coroutines, and by hand

# Relocatable: the prefix is where the file is found.
file(RELATIVE_PATH TROUPE_PC_PREFIX
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX}
)
string(REGEX REPLACE "/$" "" TROUPE_PC_PREFIX "${TROUPE_PC_PREFIX}")
configure_file(cmake/troupe.pc.in troupe.pc @ONLY)
install(
  FILES ${PROJECT_BINARY_DIR}/troupe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development
)
if(TARGET troupe_testing)
  configure_file(cmake/troupe-testing.pc.in troupe-testing.pc @ONLY)
  install(
    FILES ${PROJECT_BINARY_DIR}/troupe-testing.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT testing
  )
endif()

include(cmake/debian.cmake)
