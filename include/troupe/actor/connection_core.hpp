// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/hooks.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>

/// \file
/// A connection, whose two ends share one object: the actor's (`peer`) and that of whoever connected (`connection`).
/// The listeners to each event are in the actor's hub (src/runtime/subscription_hub.hpp).

namespace troupe {
inline namespace v0 {
namespace detail {

class subscription_hub;
class connection_core;
class listener;
struct address;
struct turn;

/// One event on its way, with the values that all of its listeners look at.
class event_record : public work {
 public:
  explicit event_record(std::uint32_t e) noexcept;
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
  virtual ~event_record();

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// Any thread: the values as a CBOR array. The first listener that asks has them encoded, for all; what `encode`
  /// throws, each gets.
  [[nodiscard]] bytes_view encoded(void (*encode)(const event_record& e, buffer& out)) const;

  const std::uint32_t event;          ///< `actor::place_of`
  counted_ptr<connection_core> only;  ///< the one connection that it is for
  counted_ptr<subscription_hub> to;
  std::uint64_t number = 0;         ///< in the order in which the actor sent them
  epoch_number dependency = 0;

 private:
  mutable std::atomic<const buffer*> encoded_{nullptr};
  std::atomic<std::uint32_t> references_{1};
};

template <class Values>
class typed_event final : public event_record {
 public:
  template <class... T>
  explicit typed_event(std::uint32_t e, T&&... each) : event_record{e}, values{std::forward<T>(each)...} {}
  const Values values;
};

/// An event that waits to be taken by a listener.
struct delivery {
  delivery* next = nullptr;
  counted_ptr<event_record> what;
  counted_ptr<listener> to;
};

/// First in, first out.
class delivery_list {
 public:
  delivery_list() = default;
  delivery_list(const delivery_list&) = delete;
  ~delivery_list() {
    while (delivery* const d = pop_front()) free(d);
  }
  static delivery* make(event_record& what, listener* to);
  static void free(delivery* d) noexcept;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  void push_back(delivery* d) noexcept {
    (first_ == nullptr ? first_ : last_->next) = d;
    last_ = d;
  }
  delivery* pop_front() noexcept {
    delivery* const d = first_;
    if (d != nullptr) first_ = d->next;
    if (d != nullptr) d->next = nullptr;
    return d;
  }
  /// Calls `f(delivery&)` for each and moves those for which it says true. Returns how many.
  template <class F>
  std::size_t move_if(delivery_list& to, F&& f) noexcept {
    std::size_t moved = 0;
    delivery* each = std::exchange(first_, nullptr);
    last_ = nullptr;
    while (each != nullptr) {
      delivery* const d = std::exchange(each, each->next);
      d->next = nullptr;
      const bool goes = f(*d);
      (goes ? to : *this).push_back(d);
      moved += goes ? 1 : 0;
    }
    return moved;
  }

 private:
  delivery* first_ = nullptr;
  delivery* last_ = nullptr;
};

/// What is called for an event; with null when the connection has ended.
class event_callback {
 public:
  virtual ~event_callback() = default;
  virtual void operator()(const event_record* e) = 0;
};

class listener_wait;

/// Somebody who listens to one event on one connection, or to its end. Guarded by the connection's lock, but for what
/// says otherwise.
class listener {
 public:
  enum class kind : std::uint8_t {
    handler,  ///< is called
    once,     ///< is called once
    stream,   ///< is asked
    next,     ///< is asked once
    end,      ///< is called when the connection has ended
  };
  enum class state : std::uint8_t {
    asking,  ///< can_subscribe has not answered yet
    active,
    ended,   ///< unsubscribed or denied
  };

  listener(connection_core& c, std::uint32_t e, kind k, std::unique_ptr<event_callback> f);
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  const counted_ptr<connection_core> of;
  const std::uint32_t event;
  const kind is;
  state now = state::asking;
  bool spent = false;            ///< has heard its one event
  std::uint64_t since = 0;       ///< hears what is sent after this one
  std::exception_ptr failure;    ///< why it was denied
  const std::unique_ptr<event_callback> call;
  delivery_list waiting;         ///< of a stream
  listener_wait* waiter = nullptr;
  listener* previous_here = nullptr;  ///< among those of the connection, which hold a reference
  listener* next_here = nullptr;
  listener* previous = nullptr;  ///< among those of the event; guarded by the hub's lock
  listener* next = nullptr;
  bool listed = false;           ///< is among those; guarded by the same

 private:
  ~listener();
  std::atomic<std::uint32_t> references_{1};
};

/// The data that both ends of a connection share; or, if the actor is elsewhere, the caller's end alone. Where no
/// comment says otherwise a member is guarded by `lock`, which is taken after the hub's. As work it is the order to
/// call its handlers.
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
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  // --- the actor's end; only in turns of the actor ---

  /// Sends the event when the turn ends. Takes over the reference. Throws `actor.invalid_operation` outside of the
  /// actor's turns, and before on_connect; so does disconnect().
  void send(event_record* e);
  /// Ends it when the turn ends; the other end learns of it when that is durable.
  void disconnect(std::exception_ptr why);
  /// Whether a turn of the actor runs on the calling thread.
  [[nodiscard]] bool in_actors_turn() const noexcept;
  /// Whether on_disconnect has run, or is about to.
  [[nodiscard]] bool disconnected() const noexcept { return disconnected_ || closed(); }
  /// on_connect has returned: when the turn ends, the client may listen for itself.
  void open_fully() noexcept;
  /// Whether on_connect has returned. on_disconnect never comes before that: whoever ends a connection earlier leaves
  /// it to the one who opens it.
  [[nodiscard]] bool greeted() const noexcept { return greeted_; }
  [[nodiscard]] bool removed() const noexcept { return disconnected_; }

  // --- the other end; any thread ---

  /// Ends it. Without a reason both ends part in good order. If `by_client`, nothing more is heard; else what was on
  /// its way still is.
  void close(std::exception_ptr why, bool by_client) noexcept;
  [[nodiscard]] std::exception_ptr reason() const noexcept;
  /// Throws what `why_closed` gives.
  [[noreturn]] void throw_closed() const;
  /// Throws what throw_closed() does.
  [[nodiscard]] counted_ptr<listener> listen(std::uint32_t event, listener::kind kind,
                                             std::unique_ptr<event_callback> call);
  /// When it returns nothing is called any more, unless this is within that very call.
  void unlisten(listener& l) noexcept;
  /// It may not listen.
  void deny(listener& l, std::exception_ptr why) noexcept;

  // Set when it is opened, and fixed from then on.
  actor_id id;
  const struct address* address = nullptr;  ///< of the actor; holds a reference
  std::unique_ptr<far_end> far;      ///< of an actor elsewhere, which has neither of the next two; else null
  counted_ptr<subscription_hub> hub;
  cell* actor = nullptr;             ///< holds a reference
  executor* home = nullptr;          ///< where handlers of the host run
  cell* owner = nullptr;             ///< the actor that connected, whose turns run its handlers; holds a reference
  std::uint32_t owner_life = 0;

 private:
  friend class subscription_hub;
  friend class event_delivery;
  friend class listener_wait;

  // A message to the actor's holder about this connection.
  struct note final : work {
    note(connection_core& c, function f) noexcept : work{f}, of{c} {}
    connection_core& of;
  };
  [[nodiscard]] turn& actors_turn(const char* operation) const;
  static void departed(work& w) noexcept;
  void leave() noexcept;
  static void end_opening(work& w) noexcept;

  // What nobody hears any more goes to `dropped`, to be freed without the lock: the values are the user's.
  [[nodiscard]] bool end(std::exception_ptr why, bool by_client, epoch_number dependency,
                         delivery_list& dropped) noexcept;
  [[nodiscard]] bool offer(listener& l, event_record& e, std::uint32_t limit) noexcept;
  void take_early(listener& l, delivery_list& dropped) noexcept;
  void enqueue(delivery* d) noexcept;
  static void tell(listener& l) noexcept;
  void wait_for_call(const listener& l) noexcept;
  bool call_next() noexcept;
  static void call_some(work& w) noexcept;

  // The actor's holder.
  bool listed_ = false;
  bool opening_ = false;             ///< on_connect has not returned, or its turn has not ended
  bool greeted_ = false;             ///< on_connect has returned
  bool disconnected_ = false;              ///< was listed, and is no more
  connection_core* previous_ = nullptr;
  connection_core* following_ = nullptr;
  note opened_{*this, &connection_core::end_opening};  ///< on_connect has returned, and its turn has ended
  note departed_{*this, &connection_core::departed};   ///< the connection is closed

  mutable spin_flag lock_;
  std::exception_ptr reason_;
  epoch_number end_dependency_ = 0;  ///< what its end can depend on, for another actor
  listener* listeners_ = nullptr;    ///< newest first
  delivery_list inbox_;              ///< for handlers
  delivery_list early_;              ///< sent while it was opening, for the first listener
  std::uint32_t waiting_ = 0;        ///< deliveries to handlers and streams
  bool calls_under_way_ = false;
  bool lagging_ = false;
  listener* calling_ = nullptr;      ///< the handler that runs
  const void* calling_thread_ = nullptr;
  std::atomic<std::uint32_t> calls_ended_{0};
  std::atomic<bool> closed_{false};
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

  /// A listener of the connection wants to hear its event from now on. `admit` or `connection_core::deny` follows.
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
