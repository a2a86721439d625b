// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/counted_ptr.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Finds the calls that can never be answered, because their callers wait for one another: `actor.deadlock`.
///
/// The nodes are invocations. An edge leads from an invocation to the one without whose end it cannot go on:
///
/// 1. from a caller to the call that it awaits: `invocation::caller`. Set before the call is sent, never changed, and
///    only where the caller descends from an exclusive action or a lifecycle procedure. It holds while the call has
///    neither been answered nor abandoned. A call in a branch of `when_any` has no such edge: another branch may end
///    first. A branch of `when_all` has one, since the whole waits for all.
/// 2. from an invocation that has been put aside to the one that holds the actor, an exclusive action or a wake: an
///    entry here. It holds from `put_aside` until the actor looks at what it has put aside again (`forget`).
/// 3. from a message whose sender waits for the answer to the consumer that has the message: `serve`, `end_serving`.
///
/// No edge leads from an actor that shuts down: the end of the grace period cuts what runs in it short.
///
/// Edges of the kinds 2 and 3 change under the lock of the graph, which a search holds from its beginning to its end.
/// So of the edges that make a cycle one is the last, whichever threads they come from, and the search that follows
/// upon it in the same critical section sees all others: those of kind 1 happened before the entries that their calls
/// led to. A cycle is no false alarm, since each of its edges is checked with the lock held: an entry on the cycle
/// belongs to an invocation that cannot run, so that none of the callers on the cycle can be answered either. A caller
/// may give up at that moment, and would have had to.
///
/// A call that descends from the action that holds the actor is let in, and never comes here. But it may come to
/// descend from it later, when that action waits for the wake, or for the consumer, that has made the call. So the
/// search looks for such calls in a cycle first, and has their actors let them in. Else the call that has closed the
/// cycle is refused, before it begins. What has begun cannot be refused: then another call of the cycle is.
///
/// The search goes backwards, from the new entry to all that waits for it, and ends at the holder. What an actor has
/// put aside for callers that nothing exclusive waits for is not here: it costs a comparison.
class wait_graph {
 public:
  /// What the graph has to know of actors.
  struct actors {
    std::string (*name)(const invocation& inv);       ///< of an invocation and its actor, for people
    void (*retain)(cell& c) noexcept;
    void (*look_again)(cell& c) noexcept;             ///< at all that it has put aside, soon; gives up the reference
  };

  wait_graph() = default;
  wait_graph(const wait_graph&) = delete;
  wait_graph& operator=(const wait_graph&) = delete;

  /// Whether anything that keeps others out may wait for this one.
  [[nodiscard]] static bool concerns(const invocation& inv) noexcept {
    return inv.caller || (inv.settles_parts && inv.link);
  }

  /// `inv` waits behind `holder`, which holds its actor. Returns the cycle that this closes, for people, if `inv` has
  /// to be refused for it; else an empty text. By the holder of the actor's lock.
  [[nodiscard]] std::string put_aside(invocation& inv, invocation& holder, const actors& all);
  /// The actor looks again at all that it has put aside. By the holder of the actor's lock.
  void forget(const cell& c) noexcept;

  /// The sender waits for the consumer, which descends from its chain. By the holder of the lock of the actor that has
  /// the message, in both cases.
  void serve(invocation& consumer, invocation& sender);
  void end_serving(const invocation& consumer, const invocation& sender) noexcept;

  /// The runtime has ended: what could not end with it is let go.
  void clear() noexcept;

 private:
  struct entry {
    counted_ptr<invocation> waiting;
    counted_ptr<invocation> holder;
  };
  struct service {
    counted_ptr<invocation> consumer;
    counted_ptr<invocation> sender;
  };
  using trail = std::vector<invocation*>;

  [[nodiscard]] bool leads_back(invocation& from, const invocation& to, trail& way, trail& seen) const;
  [[nodiscard]] const invocation* holder_before(const invocation& waiting) const noexcept;
  [[nodiscard]] std::vector<cell*> actors_to_enter(const trail& cycle) const;
  [[nodiscard]] std::vector<cell*> actor_to_refuse(const trail& cycle) const;
  [[nodiscard]] std::string describe(const trail& cycle, const actors& all) const;

  std::mutex mutex_;
  std::unordered_map<const cell*, std::vector<entry>> entries_;
  std::vector<service> services_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
