#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <stop_token>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/tags.hpp>
#include <troupe/core/task.hpp>

namespace troupe::inline v0 {
namespace detail {

/// The live copy of an actor's state, from wake to sleep. Touched only by whoever holds the cell.
class activation {
 public:
  explicit activation(cell& owner) noexcept : owner_{owner} {}
  activation(const activation&) = delete;
  activation& operator=(const activation&) = delete;
  virtual ~activation() = default;

  [[nodiscard]] cell& owner() const noexcept { return owner_; }
  /// The actor itself, a `State*`.
  [[nodiscard]] virtual void* state() noexcept = 0;

  virtual void encode(buffer& out) const = 0;
  virtual void decode(bytes_view stored) = 0;

  virtual task<> on_create(const std::optional<bytes>& input) = 0;
  virtual task<> on_wake() = 0;
  virtual task<> on_sleep() = 0;
  virtual task<> on_destroy() = 0;
  virtual void on_state_change() = 0;

  // --- what goes on in it ---
  invocation* running = nullptr;        ///< coroutines that have begun and not ended, newest first
  std::uint32_t running_count = 0;      ///< of those, actions and background tasks
  std::uint32_t keep_awake_count = 0;   ///< of those, the ones that keep it from sleeping
  tags labels;
  std::stop_source stop;
  bool interrupted = false;             ///< the grace period is over: nothing may wait any more

 private:
  cell& owner_;
};

/// An invocation that was made from bytes, and answers in bytes.
class untyped_invocation : public invocation {
 public:
  using invocation::invocation;
  /// After an answer without failure: the value as CBOR.
  virtual void encode_value(buffer& out) const = 0;
};

}  // namespace detail
}  // namespace troupe::inline v0
