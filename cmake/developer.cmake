# What the project asks of its own targets and of nobody else's.

# Turns warnings into errors. PRIVATE: an embedder's code is compiled with the embedder's flags.
function(troupe_developer_flags target)
  if(TROUPE_DEVELOPER)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      # False positives when optimised: `"a" + string` (GCC PR 105651, 105329), `insert` at the end of a new vector.
      target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
                             -Wno-array-bounds)
    endif()
  endif()
endfunction()

# A few large translation units instead of many small ones: most of the time of a small one goes into headers.
function(troupe_unity_build target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A file that another one includes is taken for a header, which should have no types of its own file.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# A program of this project (test, example, benchmark): linked with the library, same rules as the library.
function(troupe_add_program target)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE troupe::troupe)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  troupe_developer_flags(${target})
endfunction()
