# The cases of the suites that cannot be on a store that commits each actor by itself. A row is a folder, a case (a "*"
# at the end of a name: any text), and the reason.

set(gates_reason "between actors everything waits at its sender's gate, so it comes later, and in other commits")
set(stop_reason "a loss ends one actor, and not the runtime")
set(text_reason "the report of a failure names the actor")

set(whole_store_only
  "queue" "The message of an actor whose commit waits is not answered twice or lost" "${gates_reason}"
  "queue" "A message that leaves and arrives in one commit is never*" "${gates_reason}"
  "queue" "Relaxed actors send and receive at once*" "${gates_reason}"
  "run" "a message without a back-off that fails at once lets calls*" "${gates_reason}"
  "runtime" "an actor that was created and destroyed before a commit*" "${gates_reason}"
  "runtime" "calls between actors do not wait*" "${gates_reason}"
  "runtime" "what an actor has learned from another's uncommitted state*" "${gates_reason}"
  "runtime" "when a commit is waited for in vain*" "${stop_reason}"
  "runtime" "health shows a store that fails*" "${text_reason}"
  "runtime" "a store that cannot tell whether it committed stops the runtime*" "${stop_reason}"
  "runtime" "after the runtime has stopped for good its health*" "${stop_reason}"
  "runtime" "a write-set that the store will never take stops*" "${stop_reason}"
  "runtime" "a store that belongs to another by now stops*" "${stop_reason}"
)

# Sets `result` to a test specification of all cases of the folder but for those.
function(cases_apart folder result)
  set(cases)
  list(LENGTH whole_store_only count)
  set(at 0)
  while(at LESS count)
    list(SUBLIST whole_store_only ${at} 2 row)
    list(GET row 0 listed)
    list(GET row 1 case)
    if(listed STREQUAL folder)
      string(APPEND cases "~\"${case}\"")
    endif()
    math(EXPR at "${at} + 3")
  endwhile()
  set(${result} "${cases}" PARENT_SCOPE)
endfunction()
