# The program keeps a file where it runs: run again in one directory, it counts on.
find_program(TROUPE_PROGRAM_python3 python3)
mark_as_advanced(TROUPE_PROGRAM_python3)
if(TROUPE_PROGRAM_python3)
  add_test(
    NAME example.visits.again
    COMMAND ${TROUPE_PROGRAM_python3} ${CMAKE_CURRENT_LIST_DIR}/check.py $<TARGET_FILE:example_visits>
  )
  set_tests_properties(example.visits.again PROPERTIES TIMEOUT 60 LABELS code)
endif()
