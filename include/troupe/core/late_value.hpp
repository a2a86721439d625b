// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/latch2.hpp>
#include <troupe/core/ref_counted.hpp>

/// \file
/// A value that another thread makes while a coroutine waits for it: the common part of `troupe::blocking` and
/// `troupe::promise`.

namespace troupe {
inline namespace v0 {
namespace detail {

class late_wait;

/// Where the thread that has the value meets the coroutine that waits for it. Both have a reference.
///
/// | from    | to      | by                                                |
/// |---------|---------|---------------------------------------------------|
/// | empty   | awaited | `attach`: a coroutine waits                       |
/// | awaited | empty   | `detach`: it gave up                              |
/// | empty   | there   | `publish`; the next coroutine will not wait       |
/// | awaited | there   | `publish`, which wakes the coroutine              |
///
/// The value is written before `publish` by one thread, and read after it by one.
class late_base : public ref_counted<late_base> {
 public:
  virtual ~late_base() = default;

  /// True for the first thread that asks: it is the one that sets the value.
  [[nodiscard]] bool claim() noexcept { return !claimed_.exchange(true, std::memory_order_acq_rel); }
  /// From the thread that has claimed it: value or failure is there.
  void publish() noexcept;
  [[nodiscard]] bool is_there() const noexcept { return place_.load(std::memory_order_acquire) == there; }

  /// False if the value is there. At most one waits.
  [[nodiscard]] bool attach(late_wait& w) noexcept;
  /// True if `w` waits no longer, and is not going to be woken.
  [[nodiscard]] bool detach(late_wait& w) noexcept;

  /// A coroutine is about to wait, and `attach` follows; it has given up. By the waiting side, once each.
  virtual void begun() noexcept {}
  virtual void given_up() noexcept {}

  std::exception_ptr failure;

 protected:
  late_base() noexcept = default;

  /// The exception goes with the coroutine that hears of it, and is freed where it is caught.
  void rethrow_failure() {
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }

 private:
  static constexpr std::uintptr_t empty = 0;
  static constexpr std::uintptr_t there = 1;

  std::atomic<std::uintptr_t> place_{empty};  ///< one of these, or the one that waits
  std::atomic<bool> claimed_{false};
};

template <class T>
class late_value : public late_base {
 public:
  std::optional<T> value;

  [[nodiscard]] T take() {
    rethrow_failure();
    return std::move(*value);
  }
};

template <>
class late_value<void> : public late_base {
 public:
  void take() { rethrow_failure(); }
};

/// The wait of a coroutine for a late value.
class late_wait : public wait {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h);
  /// From the thread that has published the value.
  void event() noexcept {
    if (both_.arrive()) wake();
  }

 protected:
  late_wait() noexcept = default;
  ~late_wait() = default;

  /// Before the wait begins, and where the coroutine runs: for which value it is, or throws.
  [[nodiscard]] virtual late_base& source() = 0;
  /// First thing when the coroutine goes on. Throws `actor.aborted` if it was interrupted.
  void end_late(const char* what);

 private:
  void interrupt() noexcept override;
  void give_up() noexcept;

  late_base* source_ = nullptr;
  latch2 both_;  ///< the event, and the suspension
  std::atomic<bool> interrupted_{false};
  bool aborted_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
