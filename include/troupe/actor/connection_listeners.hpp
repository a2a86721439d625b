// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <tuple>
#include <utility>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/intrusive_list.hpp>

/// \file
/// The listeners at the caller's end of a connection, and the events that wait there.

namespace troupe {
inline namespace v0 {
namespace detail {

class subscription_hub;
class connection_core;
class listener;

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

/// The function that is called for an event; with null when the connection has ended.
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
  list_link<listener> here;      ///< among those of the connection, which hold a reference
  list_link<listener> in_hub;    ///< among those of the event; guarded by the hub's lock

 private:
  ~listener();
  std::atomic<std::uint32_t> references_{1};
};

/// The listeners of one connection, and the events that wait for them or for the calls of handlers. Once it is closed
/// it takes no more listeners and no more events; events that were on their way are still heard, unless the caller's
/// end has closed it.
class connection_listeners {
 public:
  using list = intrusive_list<listener, &listener::here>;

  connection_listeners() = default;
  connection_listeners(const connection_listeners&) = delete;
  connection_listeners& operator=(const connection_listeners&) = delete;

  // --- any thread, without the lock ---

  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// Why it is closed; null: in good order.
  [[nodiscard]] std::exception_ptr reason() const noexcept;
  /// Closed: what its end can depend on, for another actor.
  [[nodiscard]] epoch_number end_dependency() const noexcept { return end_dependency_; }
  /// Null if it is closed.
  [[nodiscard]] counted_ptr<listener> add(connection_core& of, std::uint32_t event, listener::kind kind,
                                          std::unique_ptr<event_callback> call);
  /// The hub knows the listener no more. When this returns nothing is called any more, unless this is within that very
  /// call.
  void remove(listener& l) noexcept;
  /// It may not listen.
  void deny(listener& l, std::exception_ptr why) noexcept;
  /// Calls the handler that is next. False if there is none: then `connection_core::start_calls` is called again.
  bool call_next() noexcept;

  // --- with the lock ---

  /// Guards all but what says otherwise. It is taken after the hub's.
  mutable spin_flag lock;

  [[nodiscard]] const list& all() const noexcept { return all_; }
  /// The actor lets it listen. False if it does not ask any more, or the connection is closed.
  bool admit(listener& l) noexcept;
  /// True if the listener has more to hear than it may, and the connection is to be closed.
  [[nodiscard]] bool offer(listener& l, event_record& e, std::uint32_t limit) noexcept;
  /// The event waits for the first listener.
  void keep_early(event_record& e);
  // Events that are not heard any more go to `dropped`, to be freed without the lock: the values are the user's.
  void take_early(listener& l, delivery_list& dropped) noexcept;
  /// False if it is closed already.
  [[nodiscard]] bool end(std::exception_ptr why, bool by_client, epoch_number dependency,
                         delivery_list& dropped) noexcept;
  /// The next event of a stream; null if there is none.
  [[nodiscard]] delivery* take(listener& l) noexcept;

 private:
  void enqueue(delivery* d) noexcept;
  static void tell(listener& l) noexcept;
  void wait_for_call(const listener& l) noexcept;

  bool calls_under_way_ = false;
  bool lagging_ = false;
  std::uint32_t waiting_ = 0;        ///< deliveries to handlers and streams
  std::exception_ptr reason_;
  epoch_number end_dependency_ = 0;
  list all_;                         ///< newest first
  delivery_list inbox_;              ///< for handlers
  delivery_list early_;              ///< sent while the connection was opening, for the first listener
  listener* calling_ = nullptr;      ///< the handler that runs
  const void* calling_thread_ = nullptr;
  std::atomic<std::uint32_t> calls_ended_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
