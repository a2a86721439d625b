// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include <troupe/core/timer.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A message of the cell's own to itself.
class cell_message : public work {
 public:
  using handler = void (*)(cell&) noexcept;
  cell_message(cell& c, handler h) noexcept : work{&cell_message::deliver}, owner_{c}, handler_{h} {}

  /// Sends it. From any thread; at most one is under way.
  void trigger() noexcept {
    if (!under_way_.exchange(true, std::memory_order_acq_rel)) owner_.push(*this);
  }

 private:
  static void deliver(work& w) noexcept {
    auto& self = static_cast<cell_message&>(w);
    self.under_way_.store(false, std::memory_order_release);
    self.handler_(self.owner_);
  }

  cell& owner_;
  handler handler_;
  std::atomic<bool> under_way_{false};
};

/// Sends a cell a message that its holder obeys. Its actor is awake, or the caller has a reference.
void send_command(cell& c, void (*run_command)(cell&) noexcept);

/// A timer that, when due, sends the cell a message.
class cell_alarm final : public timer, public cell_message {
 public:
  cell_alarm(cell& c, handler h) noexcept : timer{&cell_alarm::ring}, cell_message{c, h} {}

 private:
  static void ring(timer& t) noexcept { static_cast<cell_alarm&>(t).trigger(); }
};

/// What a cell wants itself to do, whoever finds that it is time. One message brings all of it.
class pending_signals final : public work {
 public:
  enum what : std::uint8_t {
    freeze = 1,   ///< the committer waits for an image
    end = 2,      ///< the actor has asked for its end
    overdue = 4,  ///< the time of a hook, or the grace period, is over
    save = 8,     ///< the interval is over
    lost = 16,    ///< changes are lost, so the actor has to end
  };
  explicit pending_signals(cell& c) noexcept : work{&pending_signals::deliver}, owner_{c} {}

  /// From any thread.
  void raise(what w) noexcept {
    if (wanted_.fetch_or(w, std::memory_order_acq_rel) == 0) owner_.push(*this);
  }
  /// Its holder: nothing is under way.
  [[nodiscard]] bool none() const noexcept { return wanted_.load(std::memory_order_relaxed) == 0; }

 private:
  static void deliver(work& w) noexcept {
    auto& self = static_cast<pending_signals&>(w);
    cell& c = self.owner_;
    const auto wanted = self.wanted_.exchange(0, std::memory_order_acq_rel);
    c.kind().handlers.signalled(c, wanted);
  }

  cell& owner_;
  std::atomic<std::uint8_t> wanted_{0};
};

/// A timer that, when due, adds to what a cell wants.
class signal_timer final : public timer {
 public:
  signal_timer(pending_signals& to, pending_signals::what w) noexcept : timer{&signal_timer::ring}, what_{w}, to_{to} {}

 private:
  static void ring(timer& t) noexcept {
    auto& self = static_cast<signal_timer&>(t);
    self.to_.raise(self.what_);
  }

  pending_signals::what what_;
  pending_signals& to_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
