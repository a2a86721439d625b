# Install rules: a CMake package (find_package(troupe CONFIG)) and a pkg-config file.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(targets troupe)
if(TARGET troupe_testing)
  list(APPEND targets troupe_testing)
endif()
install(
  TARGETS ${targets}
  EXPORT troupe
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
)
install(DIRECTORY include/troupe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)
install(EXPORT troupe NAMESPACE troupe:: FILE troupe-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(
  cmake/troupe-config.cmake.in ${PROJECT_BINARY_DIR}/troupe-config.cmake INSTALL_DESTINATION ${package_dir}
)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/troupe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/troupe-config.cmake ${PROJECT_BINARY_DIR}/troupe-config-version.cmake
  DESTINATION ${package_dir}
)

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
