// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/actor/connection_listeners.hpp>
#include <troupe/actor/hooks.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/intrusive_list.hpp>

/// \file
/// A connection, whose two ends share one object: the actor's (`peer`) and that of whoever connected (`connection`).
/// The listeners to each event are in the actor's hub (src/runtime/subscription_hub.hpp).

namespace troupe {
inline namespace v0 {
namespace detail {

class subscription_hub;
class connection_core;
struct address;
struct turn;

/// How far a connection is at the actor's end. The actor's holder's.
///
///     from              to        by
///     unseen            opening   `subscription_hub::add`: the actor lets it in, and on_connect runs
///     opening           greeted   `connection_core::open_fully`: on_connect has returned
///     greeted           open      `subscription_hub::end_opening`: the turn in which that was has ended
///     opening           left      `subscription_hub::remove`: on_connect still runs, and on_disconnect waits for it
///     greeted, open     gone      `subscription_hub::remove`: on_disconnect follows
///     left              gone      `connection_core::open_fully`: on_disconnect follows
class connection_stage {
 public:
  /// It is among the connections of the actor.
  [[nodiscard]] bool listed() const noexcept { return opening() || now_ == value::open; }
  /// Events that are sent to it wait for its first listener.
  [[nodiscard]] bool opening() const noexcept { return now_ == value::opening || now_ == value::greeted; }
  /// on_connect has returned. on_disconnect never comes before that.
  [[nodiscard]] bool greeted() const noexcept {
    return now_ == value::greeted || now_ == value::open || now_ == value::gone;
  }
  /// It was among the connections of the actor.
  [[nodiscard]] bool removed() const noexcept { return now_ == value::left || now_ == value::gone; }

  void add() noexcept { go(now_ == value::unseen, value::opening); }
  void greet() noexcept {
    const bool left = now_ == value::left;
    go(left || now_ == value::opening, left ? value::gone : value::greeted);
  }
  void open() noexcept { go(now_ == value::greeted, value::open); }
  void remove() noexcept { go(listed(), greeted() ? value::gone : value::left); }

 private:
  enum class value : std::uint8_t { unseen, opening, greeted, open, left, gone };
  void go([[maybe_unused]] bool may, value to) noexcept {
    TROUPE_ASSERT(may, "a connection goes from stage to stage as its table says");
    now_ = to;
  }
  value now_ = value::unseen;
};

/// The data that both ends of a connection share; or, if the actor is elsewhere, the caller's end alone. The actor's
/// end is its `stage`, and what turns of the actor do; the caller's end is its `listeners`. As work it is the order to
/// call handlers.
class connection_core : public work {
 public:
  class far_end;

  connection_core() noexcept;
  connection_core(const connection_core&) = delete;
  connection_core& operator=(const connection_core&) = delete;
  virtual ~connection_core();

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// Any thread: whether one of the ends has closed it.
  [[nodiscard]] bool closed() const noexcept { return listeners.closed(); }

  // --- the actor's end; only in turns of the actor ---

  /// Sends the event when the turn ends. Takes over the reference. Throws `actor.invalid_operation` outside of the
  /// actor's turns, and before on_connect; so does disconnect().
  void send(event_record* e);
  /// Ends it when the turn ends; the other end learns of it when that is durable.
  void disconnect(std::exception_ptr why);
  /// Whether a turn of the actor runs on the calling thread.
  [[nodiscard]] bool in_actors_turn() const noexcept;
  /// Whether on_disconnect has run, or is about to.
  [[nodiscard]] bool disconnected() const noexcept { return stage.removed() || closed(); }
  /// on_connect has returned: when the turn ends, the client may listen for itself.
  void open_fully() noexcept;

  connection_stage stage;

  // --- the other end; any thread ---

  /// Ends it. Without a reason both ends part in good order. If `by_client`, nothing more is heard; else what was on
  /// its way still is.
  void close(std::exception_ptr why, bool by_client) noexcept;
  /// Throws what `why_closed` gives.
  [[noreturn]] void throw_closed() const;
  /// Throws what throw_closed() does.
  [[nodiscard]] counted_ptr<listener> listen(std::uint32_t event, listener::kind kind,
                                             std::unique_ptr<event_callback> call);
  /// When it returns nothing is called any more, unless this is within that very call.
  void unlisten(listener& l) noexcept;
  /// From `listeners`, with its lock: handlers are to be called.
  void start_calls() noexcept;

  connection_listeners listeners;

  // Set when it is opened, and fixed from then on.
  actor_id id;
  const struct address* address = nullptr;  ///< of the actor; holds a reference
  std::unique_ptr<far_end> far;      ///< of an actor elsewhere, which has neither of the next two; else null
  counted_ptr<subscription_hub> hub;
  cell* actor = nullptr;             ///< holds a reference
  executor* home = nullptr;          ///< where handlers of the host run
  cell* owner = nullptr;             ///< the actor that connected, whose turns run its handlers; holds a reference
  std::uint32_t owner_life = 0;

  list_link<connection_core> in_hub;  ///< among the connections of the actor; its holder's

 private:
  // A message to the actor's holder about this connection.
  struct note final : work {
    explicit note(connection_core& c, function f = nullptr) noexcept : work{f}, of{c} {}
    connection_core& of;
  };
  struct ending;
  [[nodiscard]] turn& actors_turn(const char* operation) const;
  static void departed(work& w) noexcept;
  void leave() noexcept;
  static void end_opening(note& n, const turn& now) noexcept;
  static void call_some(work& w) noexcept;

  note opened_{*this};                                 ///< on_connect has returned, and its turn has ended
  note departed_{*this, &connection_core::departed};   ///< the connection is closed
  std::atomic<std::uint32_t> references_{1};
};

/// For people: the name of the actor at the other end.
[[nodiscard]] std::string actor_name(const connection_core& c);
/// Why a connection was closed, or `connection.closed`.
[[nodiscard]] std::exception_ptr why_closed(const connection_core& c);

/// The actor's end of a connection in another process, as the transport makes it. The transport is asked with the first
/// three, and tells with the others what it hears from there. Any thread, and without locks of the connection.
class connection_core::far_end {
 public:
  far_end(const far_end&) = delete;
  far_end& operator=(const far_end&) = delete;
  virtual ~far_end() = default;

  /// A listener of the connection wants to hear its event from now on. `admit` or `connection_listeners::deny`
  /// follows.
  virtual void subscribe(listener& l) noexcept = 0;
  /// It does not any more: it has gone, or has heard its one event. Maybe called more than once, or for a listener that
  /// never subscribed.
  virtual void unsubscribe(listener& l) noexcept = 0;
  /// The connection is closed at this end. Once.
  virtual void close() noexcept = 0;

  /// The connection is open: the actor has let it in. Before the answer to the invocation that opens it.
  static void open(connection_core& c, const actor_id& id, std::unique_ptr<far_end> far) noexcept;
  /// The actor lets the listener listen.
  static void admit(listener& l) noexcept;
  /// Brings an event to the listener, which is thereby admitted. Events of one connection come one after the other.
  static void hear(listener& l, event_record& e) noexcept;
  /// The actor's end is closed, behind all events that were heard; or the link is gone.
  static void end(connection_core& c, std::exception_ptr why) noexcept;

 protected:
  far_end() noexcept = default;

 private:
  friend class connection_core;
  [[nodiscard]] static bool close_here(connection_core& c, std::exception_ptr why, bool by_client) noexcept;
};

template <class T>
struct optional_or_nothing {
  using type = std::optional<T>;
};
template <>
struct optional_or_nothing<void> {
  using type = std::nullopt_t;
};

/// The same with what the actor's own type knows of it.
template <class A>
class typed_connection final : public connection_core {
 public:
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }

  typename optional_or_nothing<connection_params<A>>::type params{std::nullopt};
  typename optional_or_nothing<connection_state<A>>::type state{std::nullopt};
};

/// The turn that runs on this thread, if there is one, depends on what it hears over a connection from now on.
void depend_on(const connection_core& c, epoch_number dependency) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
