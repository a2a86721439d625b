# The cases of the suites that cannot work over bytes. A row is a file, a case ("*": all of them; at the end of a
# name: any text), and the reason.

set(details_reason "an error that is not public leaves the process without its text and metadata")
set(original_reason "an exception leaves the process as a record of it: its type, and what is nested in it, stay")
set(gate_reason "that only the commit is missing is known at the actor's side: a caller that gives up hears aborted or timed out")
set(holder_reason "what keeps a call from its actor is known at the actor's side")
set(thread_reason "an action does not run on the thread of a caller in another process")
set(cell_reason "a handle has no cell of an actor in another process")
set(copies_reason "all that comes over bytes is encoded, and nothing is handed over as it is")
set(left_reason "the stop token of a post counts until the post has left")
set(host_reason "it calls no actor of another process")
set(frames_reason "the calls that come over one link come to the mailbox one after the other")
set(later_reason "what was sent has not arrived yet when the next line runs")

set(folders_over_bytes client connection queue run runtime)

set(local_only
  "client/actors_are_reached_by_name" "arguments that do not fit are named*" "${details_reason}"
  "client/actors_are_reached_by_name" "a post that cannot run is refused at once" "${later_reason}"
  "client/arguments_keep_their_value" "integers in messages*" "${details_reason}"
  "client/callers_share_their_thread" "*" "${thread_reason}"
  "client/calls_between_actors" "blocking on a call inside an actor is refused*" "${details_reason}"
  "client/calls_by_name" "a wrong number of arguments is named" "${details_reason}"
  "client/calls_by_name" "an argument of a wrong type is named" "${details_reason}"
  "client/calls_by_name" "arguments that are no array*" "${details_reason}"
  "client/calls_given_up_before_they_begin" "a post whose stop token is triggered while it waits never begins*" "${left_reason}"
  "client/calls_given_up_before_they_begin" "the losers of a race that is over make no calls*" "${thread_reason}"
  "client/calls_run_actions" "callers in the process get the original exception" "${original_reason}"
  "client/calls_wait_their_turn" "a full mailbox refuses the next call*" "${later_reason}"
  "client/handles_serve_many_threads" "a mailbox that is nowhere near its limit refuses nobody*" "${frames_reason}"
  "client/members_stand_for_an_aggregate" "neither members nor a moved argument are copied" "${copies_reason}"
  "connection/connections_by_name_hear_bytes" "an event is encoded once for all that listen by name*" "${copies_reason}"
  "connection/connections_by_name_hear_bytes" "an event that cannot be encoded fails for those who listen by name*" "${copies_reason}"
  "connection/connections_by_name_hear_bytes" "listeners on many threads share one encoding" "${copies_reason}"
  "connection/connections_end_once" "a connect whose commit takes longer than its caller waits leaves nothing" "${gate_reason}"
  "connection/connections_open_in_order" "what a hook throws that is no troupe error reaches who connects*" "${original_reason}"
  "connection/connections_open_in_order" "a hook that takes too long refuses the connection with its name" "${details_reason}"
  "queue/messages_have_versions" "Dead letters have a limit of their own*" "${thread_reason}"
  "runtime/actors_are_committed_alone" "an actor whose changes are refused ends alone*" "${details_reason}"
  "runtime/blocking_functions_run_beside_their_actor" "*" "${host_reason}"
  "runtime/callers_that_leave_at_the_gate" "*" "${gate_reason}"
  "runtime/errors_name_the_actor" "state that cannot be read is an error of the stored state: actor*" "${details_reason}"
  "runtime/errors_name_the_actor" "a creation input that cannot be read is an error of what is stored*" "${details_reason}"
  "runtime/errors_name_the_actor" "a time-out while an exclusive action holds the actor names that*" "${holder_reason}"
  "runtime/errors_name_the_actor" "one that had begun before names it too*" "${holder_reason}"
  "runtime/errors_name_the_actor" "a time-out while the actor wakes or ends says so" "${holder_reason}"
  "runtime/errors_name_the_actor" "errors at the door name the actor" "${details_reason}"
  "runtime/errors_name_the_actor" "when a commit is waited for in vain*" "${gate_reason}"
  "runtime/errors_name_the_actor" "health gives a reason whenever something is wrong: of a store that a shutdown gave up*" "${later_reason}"
  "runtime/errors_name_the_actor" "calls that come after the end of a runtime*" "${details_reason}"
  "runtime/failing_store" "a caller whose time-out passes at the gate is told that the outcome is open" "${gate_reason}"
  "runtime/failing_store" "when the backlog is full*" "${details_reason}"
  "runtime/failing_store" "after the runtime has stopped for good its health can be asked*" "${cell_reason}"
  "runtime/hooks" "a hook that takes too long: callers get callback_timed_out at once*" "${details_reason}"
  "runtime/hooks" "the time-out of on_create names on_create" "${details_reason}"
  "runtime/long_turns_are_reported" "a plain action that blocks the thread of its caller is reported when it has ended" "${thread_reason}"
  "runtime/runtimes_end_where_they_can" "shutdown is refused where it would wait for its caller" "${thread_reason}"
  "runtime/sleep" "an actor that is asleep and that nobody holds takes no memory" "${cell_reason}"
  "runtime/status_tells_why" "a status tells what failed last*" "${details_reason}"
  "runtime/turns_that_cannot_be_stored_fail_alone" "a state over its limit fails the call that makes it so*" "${details_reason}"
)

# Sets `result` to what a test specification of the file's cases goes on with: exclusions, or "none" if no case is left.
function(over_bytes file result)
  set(cases)
  list(LENGTH local_only count)
  set(at 0)
  while(at LESS count)
    list(SUBLIST local_only ${at} 2 row)
    list(GET row 0 listed)
    list(GET row 1 case)
    if(listed STREQUAL file)
      if(case STREQUAL "*")
        set(${result} none PARENT_SCOPE)
        return()
      endif()
      string(APPEND cases "~\"${case}\"")
    endif()
    math(EXPR at "${at} + 3")
  endwhile()
  set(${result} "${cases}" PARENT_SCOPE)
endfunction()
