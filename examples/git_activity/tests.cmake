# The program over repositories that are made for it: every kind of name, change and history that git knows.
find_program(TROUPE_PROGRAM_python3 python3)
find_program(TROUPE_PROGRAM_git git)
mark_as_advanced(TROUPE_PROGRAM_python3 TROUPE_PROGRAM_git)
if(TROUPE_PROGRAM_python3 AND TROUPE_PROGRAM_git)
  add_test(
    NAME example.git_activity.repositories
    COMMAND ${TROUPE_PROGRAM_python3} ${CMAKE_CURRENT_LIST_DIR}/check.py $<TARGET_FILE:example_git_activity>
  )
  set_tests_properties(example.git_activity.repositories PROPERTIES TIMEOUT 120 LABELS code)
endif()
