// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <troupe/core/assert.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The life of an actor as a state machine: its phase, whether something keeps calls out, and the requests for its end.
/// It decides nothing and runs nothing: the procedures of waking.cpp and stopping.cpp take it from phase to phase.
///
/// | from       | to         | by                                                                |
/// |------------|------------|-------------------------------------------------------------------|
/// | asleep     | waking     | `begin_wake`                                                      |
/// | asleep     | awake      | `wake_at_once`: nothing to load, no hook                          |
/// | waking     | awake      | the end of the wake                                               |
/// | waking     | asleep     | `deactivate`: the wake has failed, or there is no actor           |
/// | awake      | stopping   | `begin_stop`                                                      |
/// | stopping   | finalising | the end of the stop: hooks have returned, and nothing runs        |
/// | finalising | asleep     | `deactivate`                                                      |
///
/// 1. It is open exactly while the actor is awake, nothing keeps others out, and no end for good is requested.
/// 2. A request belongs to one life: none is left when the next one begins.
/// 3. Its size is one byte, because every cell has one.
///
/// All members are for the holder of the cell.
class lifecycle {
 public:
  enum class phase : std::uint8_t {
    asleep,      ///< not in memory; whether it exists is in the store
    waking,      ///< loading, on_create, on_wake
    awake,
    stopping,    ///< on_sleep or on_destroy, and what still runs
    finalising,  ///< the last commit
  };

  /// Whether the table has this transition.
  [[nodiscard]] static constexpr bool may_follow(phase from, phase to) noexcept {
    switch (from) {
      case phase::asleep: return to == phase::waking || to == phase::awake;
      case phase::waking: return to == phase::awake || to == phase::asleep;
      case phase::awake: return to == phase::stopping;
      case phase::stopping: return to == phase::finalising;
      case phase::finalising: return to == phase::asleep;
    }
    return false;
  }

  [[nodiscard]] phase now() const noexcept { return phase_; }
  /// Whether a call may begin.
  [[nodiscard]] bool is_open() const noexcept { return open_; }

  void enter(phase to) noexcept {
    TROUPE_ASSERT(may_follow(phase_, to), "an actor goes from phase to phase as the table of phases says");
    if (phase_ == phase::asleep) sleep_requested_ = destroy_requested_ = false;
    phase_ = to;
    update();
  }

  /// An exclusive action or a procedure keeps others out from now on; false: nothing does.
  void set_kept_out(bool on) noexcept {
    kept_out_ = on;
    update();
  }

  /// The actor is to fall asleep when the turn that runs has ended.
  void request_sleep() noexcept { sleep_requested_ = true; }
  [[nodiscard]] bool sleep_requested() const noexcept { return sleep_requested_; }

  /// The same, for good. From now on no call begins.
  void request_destroy() noexcept {
    destroy_requested_ = true;
    update();
  }
  [[nodiscard]] bool destroy_requested() const noexcept { return destroy_requested_; }

 private:
  void update() noexcept { open_ = phase_ == phase::awake && !kept_out_ && !destroy_requested_; }

  phase phase_ : 3 = phase::asleep;
  bool open_ : 1 = false;
  bool kept_out_ : 1 = false;
  bool sleep_requested_ : 1 = false;
  bool destroy_requested_ : 1 = false;
};
static_assert(sizeof(lifecycle) == 1);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
