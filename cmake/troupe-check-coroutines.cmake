# troupe_check_coroutines(target [PATHS path...]): before the target is built, its sources are searched for the shapes of
# co_await that g++ before 13 miscompiles (docs/compilers.md); one that is found fails the build and is named. PATHS are
# further files and folders, such as the target's headers. Needs Python 3 while building.

# Beside this file in a package, in tests/lint of a source tree.
set(troupe_co_await_lint ${CMAKE_CURRENT_LIST_DIR}/lint_co_await.py)
if(NOT EXISTS ${troupe_co_await_lint})
  cmake_path(SET troupe_co_await_lint NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../tests/lint/lint_co_await.py)
endif()
set_property(GLOBAL PROPERTY troupe_co_await_lint ${troupe_co_await_lint})

function(troupe_check_coroutines target)
  cmake_parse_arguments(PARSE_ARGV 1 given "" "" "PATHS")
  if(given_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "troupe_check_coroutines(target [PATHS path...]): what is ${given_UNPARSED_ARGUMENTS}?")
  endif()
  if(NOT TARGET ${target})
    message(FATAL_ERROR "troupe_check_coroutines: there is no target ${target}")
  endif()
  find_package(Python3 COMPONENTS Interpreter QUIET)
  if(NOT Python3_Interpreter_FOUND)
    message(FATAL_ERROR "troupe_check_coroutines needs Python 3")
  endif()

  set(files)
  foreach(path IN LISTS given_PATHS)
    cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    if(IS_DIRECTORY ${path})
      file(GLOB_RECURSE found CONFIGURE_DEPENDS ${path}/*)
      list(APPEND files ${found})
    else()
      list(APPEND files ${path})
    endif()
  endforeach()

  set_property(TARGET ${target} APPEND PROPERTY TROUPE_CHECKED_FILES ${files})
  get_property(is_checked TARGET ${target} PROPERTY TROUPE_CHECKED SET)
  if(NOT is_checked)
    set_property(TARGET ${target} PROPERTY TROUPE_CHECKED ON)
    # At the end of the directory, when the target has all of its sources.
    cmake_language(EVAL CODE "cmake_language(DEFER CALL troupe_add_coroutine_check [[${target}]] [[${Python3_EXECUTABLE}]])")
  endif()
endfunction()

# Of troupe_check_coroutines.
function(troupe_add_coroutine_check target python)
  get_target_property(directory ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  get_target_property(files ${target} TROUPE_CHECKED_FILES)
  foreach(path IN LISTS sources)
    if(NOT path MATCHES "\\$<")  # objects, and what belongs to one configuration
      cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY ${directory} NORMALIZE)
      list(APPEND files ${path})
    endif()
  endforeach()
  list(FILTER files INCLUDE REGEX "/")
  list(REMOVE_DUPLICATES files)

  get_property(lint GLOBAL PROPERTY troupe_co_await_lint)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${target}-coroutines.stamp)
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${python} ${lint} --stamp ${stamp} ${files}
    DEPENDS ${lint} ${files}
    COMMENT "Looking for coroutines that g++ miscompiles in ${target}"
    VERBATIM
  )
  add_custom_target(${target}-coroutines DEPENDS ${stamp})
  add_dependencies(${target} ${target}-coroutines)
endfunction()
