# The program with people at its terminals.
find_program(TROUPE_PROGRAM_python3 python3)
mark_as_advanced(TROUPE_PROGRAM_python3)
if(TROUPE_PROGRAM_python3)
  add_test(
    NAME example.chat.terminals
    COMMAND ${TROUPE_PROGRAM_python3} ${CMAKE_CURRENT_LIST_DIR}/check.py $<TARGET_FILE:example_chat>
  )
  set_tests_properties(example.chat.terminals PROPERTIES TIMEOUT 120 LABELS code)
endif()
