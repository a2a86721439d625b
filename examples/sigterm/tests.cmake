# The program is told to end, more than once, and has lost nothing.
find_program(TROUPE_PROGRAM_python3 python3)
mark_as_advanced(TROUPE_PROGRAM_python3)
if(TROUPE_PROGRAM_python3)
  add_test(
    NAME example.sigterm.signals
    COMMAND ${TROUPE_PROGRAM_python3} ${CMAKE_CURRENT_LIST_DIR}/check.py $<TARGET_FILE:example_sigterm>
  )
  set_tests_properties(example.sigterm.signals PROPERTIES TIMEOUT 120 LABELS code)
endif()
