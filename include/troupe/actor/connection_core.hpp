#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/hooks.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/fiber.hpp>

/// \file
/// A connection, whose two ends share one object: the actor's (`peer`) and that of whoever connected (`connection`).
/// Who listens to what is in the actor's audience (src/runtime/audience.hpp).

namespace troupe::inline v0 {
namespace detail {

class audience;
class connection_core;
class listener;

/// One event on its way, with the values that all of its listeners look at.
class event_record : public work {
 public:
  explicit event_record(std::uint32_t e) noexcept : event{e} {}
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
  virtual ~event_record() = default;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  const std::uint32_t event;        ///< `actor::place_of`
  connection_core* only = nullptr;  ///< the one connection that it is for; holds a reference
  audience* to = nullptr;           ///< while it is on its way; holds a reference
  std::uint64_t number = 0;         ///< in the order in which the actor sent them
  epoch_number dependency = 0;

 private:
  std::atomic<std::uint32_t> references_{1};
};

template <class Values>
class typed_event final : public event_record {
 public:
  template <class... T>
  explicit typed_event(std::uint32_t e, T&&... each) : event_record{e}, values{std::forward<T>(each)...} {}
  const Values values;
};

/// A counted pointer to one of the objects here.
template <class T>
class counted {
 public:
  counted() noexcept = default;
  explicit counted(T& object) noexcept : object_{&object} { object.retain(); }
  counted(const counted& other) noexcept : object_{other.object_} {
    if (object_ != nullptr) object_->retain();
  }
  counted(counted&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
  counted& operator=(counted other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~counted() {
    if (object_ != nullptr) object_->release();
  }
  /// Takes over a reference.
  [[nodiscard]] static counted adopt(T* object) noexcept {
    counted c;
    c.object_ = object;
    return c;
  }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

/// An event that waits to be taken by a listener.
struct delivery {
  delivery* next = nullptr;
  counted<event_record> what;
  counted<listener> to;
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
  /// Calls `f(delivery&)` for each and drops those for which it says true. Returns how many.
  template <class F>
  std::size_t drop_if(F&& f) noexcept {
    std::size_t dropped = 0;
    delivery* each = std::exchange(first_, nullptr);
    last_ = nullptr;
    while (each != nullptr) {
      delivery* const d = std::exchange(each, each->next);
      d->next = nullptr;
      if (f(*d)) {
        free(d);
        ++dropped;
      } else {
        push_back(d);
      }
    }
    return dropped;
  }

 private:
  delivery* first_ = nullptr;
  delivery* last_ = nullptr;
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
    end,      ///< is called when the connection has ended
  };
  enum class state : std::uint8_t {
    asking,  ///< can_subscribe has not answered yet
    active,
    ended,   ///< unsubscribed, denied, or the connection has ended
  };
  using handler = std::function<void(const event_record*)>;

  listener(connection_core& c, std::uint32_t e, kind k, handler h)
      : of{c}, event{e}, is{k}, call{std::move(h)} {}
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  counted<connection_core> of;
  const std::uint32_t event;
  const kind is;
  state now = state::asking;
  bool listed = false;           ///< in the audience's list; guarded by its lock
  std::uint64_t since = 0;       ///< hears what is sent after this one
  std::exception_ptr failure;    ///< why it was denied
  handler call;
  delivery_list waiting;         ///< of a stream
  listener_wait* waiter = nullptr;
  listener* previous = nullptr;  ///< among those of the event; guarded by the audience's lock
  listener* next = nullptr;
  listener* previous_here = nullptr;  ///< among those of the connection
  listener* next_here = nullptr;

 private:
  ~listener() = default;
  std::atomic<std::uint32_t> references_{1};
};

/// What both ends of a connection share. Where no comment says otherwise a member is guarded by `lock`, which is taken
/// after the audience's.
class connection_core : public work {
 public:
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

  /// Sends the event when the turn ends.
  void send(event_record* e);
  void disconnect(std::exception_ptr reason);

  // --- the other end ---

  /// Any thread. Ends it; nothing more is heard. Without a reason both ends part in good order.
  void close(std::exception_ptr reason) noexcept;
  [[nodiscard]] std::exception_ptr reason() const noexcept;
  /// Throws `connection.closed`, or why it was closed.
  [[noreturn]] void throw_closed() const;

  actor_id id;
  counted<audience> heard_by;        ///< set when it is opened
  cell* actor = nullptr;             ///< holds a reference
  executor* home = nullptr;          ///< where handlers of the host run
  cell* owner = nullptr;             ///< the actor that connected, whose turns run its handlers; holds a reference
  std::uint32_t owner_life = 0;

  // The actor's holder.
  bool listed = false;
  bool opening = false;              ///< on_connect has not returned
  connection_core* previous = nullptr;
  connection_core* following = nullptr;

  mutable spin_flag lock;
  listener* listeners = nullptr;     ///< newest first
  delivery_list inbox;               ///< for handlers
  delivery_list early;               ///< sent while it was opening
  std::uint32_t waiting = 0;         ///< deliveries to handlers and streams
  bool pumping = false;
  listener* calling = nullptr;       ///< the handler that runs
  std::atomic<std::uint32_t> calls{0};  ///< that have begun or ended, for those who wait for one to end
  const void* calling_thread = nullptr;

 private:
  friend class audience;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<bool> closed_{false};
  std::exception_ptr reason_;
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

}  // namespace detail
}  // namespace troupe::inline v0
