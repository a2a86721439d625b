// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/key.hpp>

namespace troupe {
inline namespace v0 {

/// How an observer is told of an actor. Valid during the call.
struct observed_actor {
  std::string_view type;              ///< the name of its definition
  const troupe::key* key = nullptr;   ///< null where only the id is known
  actor_id id;                        ///< nil where it is not known
};

/// Is told what happens in a runtime, for metrics and traces: derive from it, override what matters, and set
/// `runtime_options::observer`. A runtime without an observer measures nothing and reads no clock for one.
///
/// Functions are called on any thread, several at a time, where the thing happens. What they take, the actor or the
/// committer loses: they count, or hand over to another thread. They may not block, call an actor with `get()`, or shut
/// the runtime down; `post` and `send` are allowed. What they throw goes to `runtime_options::on_error` and changes
/// nothing else. Times are by the clock of the executor. References and views are valid during the call.
class observer {
 public:
  observer() = default;
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;
  virtual ~observer();

  /// Whether `turn_ended` is to be called. Asked once, when the runtime starts. If so, every call goes through the
  /// mailbox of its actor, also where it could run on the thread of its caller: that costs about half a microsecond a
  /// call. All other functions cost nothing until they are called.
  [[nodiscard]] virtual bool wants_turns() const { return false; }

  /// An actor is in memory, its hooks have run, and its first call is about to begin. With the actor locked.
  virtual void actor_woke(const observed_actor& actor);

  /// How an actor has left memory.
  enum class ending : std::uint8_t {
    slept,      ///< its state is in the store, or is nowhere if it is ephemeral
    destroyed,  ///< it is gone for good
  };
  /// An actor leaves memory, after its last commit. With the actor locked.
  virtual void actor_slept(const observed_actor& actor, ending how);

  /// A thread has run code of an actor, from where that was resumed to where it had ended, or had to wait. `what`: the
  /// action, hook, handler or task. Only where `wants_turns()`.
  virtual void turn_ended(const observed_actor& actor, std::string_view what, std::chrono::nanoseconds took);

  /// An attempt to commit.
  struct commit {
    enum class result : std::uint8_t {
      committed,
      failed,   ///< it will be tried again
      refused,  ///< it will not: the runtime takes no more changes
    };
    std::uint64_t epoch = 0;         ///< they rise; a commit that is tried again has the same
    std::size_t actors = 0;          ///< whose changes it has
    std::size_t bytes = 0;           ///< of these changes, encoded
    std::chrono::nanoseconds took{}; ///< by the store
    result outcome = result::committed;
  };
  /// The store has answered a commit. Calls that wait for it have not been answered yet. On a thread of the store's.
  virtual void commit_ended(const commit& c);

  /// A call, a message or a look-up was refused before it began. `what`: the action, for example. `why` is an `error`
  /// nearly always. May be with the actor locked.
  virtual void call_refused(const observed_actor& actor, std::string_view what, const std::exception_ptr& why);

  /// A message became a dead letter. `why`: of its last attempt; null if that was in another life of the actor. The
  /// turn may still fail to be stored: then it is handled once more. In a turn of the actor.
  virtual void message_died(const observed_actor& actor, std::string_view queue, std::uint64_t message,
                            const std::exception_ptr& why);

  /// A connection reached its actor, and its `on_connect`, if there is one, is about to run. In a turn of the actor.
  virtual void connection_opened(const observed_actor& actor, std::size_t connections);
  /// A connection has ended, as the actor sees it. `connections`: those that are left. With the actor locked.
  virtual void connection_closed(const observed_actor& actor, std::size_t connections);
};

}  // namespace v0
}  // namespace troupe
