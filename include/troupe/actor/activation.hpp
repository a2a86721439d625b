// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/tags.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class connection_core;
struct action_entry;
struct action_facts;

/// What can_publish or can_subscribe says: at once, or when `pending` has run.
struct permission {
  bool granted = true;
  task<bool> pending;
};

/// The live copy of an actor's state, from wake to sleep. Touched only by whoever holds the cell.
class activation {
 public:
  explicit activation(cell& owner) noexcept : owner_{owner} {}
  activation(const activation&) = delete;
  activation& operator=(const activation&) = delete;
  virtual ~activation() = default;

  [[nodiscard]] cell& owner() const noexcept { return owner_; }
  /// For people: see `cell::name`.
  [[nodiscard]] std::string name() const;
  /// The actor itself, a `State*`.
  [[nodiscard]] virtual void* state() noexcept = 0;

  virtual void encode(buffer& out) const = 0;
  virtual void decode(bytes_view stored) = 0;
  /// The state as it was when `encode` gave `encoded`, or when an older program did. Transient members stay.
  virtual void restore(bytes_view encoded) = 0;
  /// No less than the size of the encoded state, found with less work. Only where encoding cannot fail.
  [[nodiscard]] virtual std::size_t encoded_bytes_bound() const = 0;

  virtual task<> on_create(const bytes* input) = 0;
  virtual task<> on_wake() = 0;
  virtual task<> on_sleep() = 0;
  virtual task<> on_destroy() = 0;
  virtual void on_state_change() = 0;
  virtual task<> run() = 0;
  virtual permission can_publish(std::string_view queue) = 0;
  virtual permission can_subscribe(std::string_view event) = 0;

  // The other end is of the actor's own type. A plain hook has run when these return, and has left no task.
  virtual task<> on_before_connect(connection_core& from) = 0;
  virtual task<> create_connection_state(connection_core& from) = 0;
  virtual task<> on_connect(connection_core& from) = 0;
  virtual task<> on_disconnect(connection_core& from) = 0;

  // --- what goes on in it ---
  /// The coroutine of `inv` has begun: until `delist` it is among those that run.
  void enlist(invocation& inv) noexcept {
    inv.following = running;
    if (inv.following != nullptr) inv.following->previous = &inv;
    running = &inv;
    ++running_count;
    if (inv.blocks_sleep) ++keep_awake_count;
  }
  void delist(invocation& inv) noexcept {
    if (inv.following != nullptr) inv.following->previous = inv.previous;
    (inv.previous == nullptr ? running : inv.previous->following) = inv.following;
    --running_count;
    if (inv.blocks_sleep) --keep_awake_count;
  }
  invocation* running = nullptr;        ///< coroutines that have begun and not ended, newest first
  std::uint32_t running_count = 0;      ///< of those, actions and background tasks
  std::uint32_t keep_awake_count : 30 = 0;  ///< of those, the ones that keep it from sleeping
  bool interrupted : 1 = false;         ///< the grace period is over: nothing may wait any more
  bool stopping : 1 = false;            ///< it has begun to shut down

  [[nodiscard]] const tags& labels() const noexcept { return more_ ? *more_->labels : *no_tags(); }
  /// Gives the actor other tags, and returns those that it had.
  std::shared_ptr<const tags> label(std::shared_ptr<const tags> now) {
    return std::exchange(more().labels, std::move(now));
  }

  /// Triggered when the actor begins to shut down.
  [[nodiscard]] std::stop_token stop_token();
  void request_stop() noexcept {
    stopping = true;
    if (more_) more_->stop.request_stop();
  }
  [[nodiscard]] bool stop_requested() const noexcept { return stopping; }

  /// Tells this life of the actor from all others. Never 0.
  [[nodiscard]] std::uint32_t life();
  /// The same, or 0 if nobody has asked for it.
  [[nodiscard]] std::uint32_t known_life() const noexcept { return more_ ? more_->life : 0; }

  /// The id of an actor that is never stored: for this life.
  [[nodiscard]] const actor_id& known_id() const noexcept;
  void set_id(const actor_id& id) { more().id = id; }

 protected:
  /// Within a catch: throws `actor.unreadable_state`, with the cause nested in it.
  [[noreturn]] void refuse_input() const;

 private:
  [[nodiscard]] static const std::shared_ptr<const tags>& no_tags() noexcept;

  // What few ask for.
  struct extras {
    std::shared_ptr<const tags> labels = no_tags();
    std::stop_source stop{std::nostopstate};
    std::uint32_t life = 0;
    actor_id id;
  };
  [[nodiscard]] extras& more() {
    if (!more_) more_ = std::make_unique<extras>();
    return *more_;
  }

  cell& owner_;
  std::unique_ptr<extras> more_;
};

/// An invocation that was made from bytes, and answers in bytes; or one that a transport makes into bytes.
class untyped_invocation : public invocation {
 public:
  using invocation::invocation;
  /// After an answer without failure: the value as CBOR.
  virtual void encode_value(buffer& out) const = 0;
  /// Its action, if the type of that is known here; else null.
  [[nodiscard]] virtual const action_facts* facts() const noexcept { return nullptr; }

  [[nodiscard]] request as_request() const override;
  void take_answer(bytes_view answer) override;

 private:
  [[nodiscard]] const action_entry& entry() const;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
