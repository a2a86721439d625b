// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/definition.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/lifecycle.hpp>
#include <troupe/runtime/mailbox.hpp>
#include <troupe/runtime/served_type.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The turns of an actor since `idle_rounds` last looked, and the round in which it found any. For the holder.
class turn_tally {
 public:
  turn_tally() noexcept {}  // no aggregate, so that the member behind one may use its padding

  /// A turn has ended, or something beside a turn is activity of the actor.
  void count() noexcept { ++turns_; }
  /// The turn that is about to end is no activity.
  void uncount() noexcept { --turns_; }
  /// Whether there has been activity since this was last asked.
  [[nodiscard]] bool take() noexcept { return std::exchange(turns_, 0) != 0; }

  /// The last round that found activity.
  [[nodiscard]] std::uint8_t round() const noexcept { return round_; }
  void set_round(std::uint8_t round) noexcept { round_ = round; }

 private:
  std::uint32_t turns_ = 0;
  std::uint8_t round_ = 0;
};

/// An actor behind its lock: all that a call reads and writes that runs at once on its caller's thread. It stands in
/// the first cache line of its cell.
///
/// 1. The thread that has locked the mailbox is the holder. Unless noted, members belong to the holder.
/// 2. There is a live copy while the actor is awake, stopping or finalising, and in a part of its wake.
/// 3. The mailbox is idle only while the life is open: so a call that has locked it needs to ask nothing else.
/// 4. `dependency` never falls while there is a live copy.
class locked_actor : public work {
 public:
  using phase = lifecycle::phase;

  // --- any thread -------------------------------------------------------------------------------------------------

  /// Takes the actor if it is awake, idle and open to all; then no message waits.
  [[nodiscard]] bool try_lock() noexcept { return mailbox_.try_lock(); }
  /// See `mailbox::lock_briefly`.
  [[nodiscard]] bool lock_briefly() noexcept { return mailbox_.lock_briefly(); }
  /// Whether the actor is asleep and nothing is on its way to it.
  [[nodiscard]] bool is_dormant() const noexcept { return mailbox_.is_dormant(); }

  [[nodiscard]] served_type& kind() const noexcept { return *static_cast<served_type*>(context); }
  [[nodiscard]] runtime_core& core() const noexcept { return kind().core; }
  [[nodiscard]] const definition& type() const noexcept { return kind().type; }

  /// Whether changes are refused because the store does not keep up.
  [[nodiscard]] bool refuses_changes() const noexcept {
    return kind().commits.refusing.load(std::memory_order_relaxed);
  }
  /// Whether a reply that depends on `dependency` may leave the actors now.
  [[nodiscard]] bool lets_out(epoch_number dependency) const noexcept {
    return dependency <= kind().commits.durable.load(std::memory_order_acquire) ||
           type().options.durability != durability::committed ||
           (kind().commits.apart != nullptr && lets_out_apart(dependency));
  }

  // --- the holder -------------------------------------------------------------------------------------------------

  [[nodiscard]] lifecycle& life() noexcept { return life_; }
  [[nodiscard]] const lifecycle& life() const noexcept { return life_; }
  [[nodiscard]] phase current_phase() const noexcept { return life_.now(); }
  /// Whether the actor is in memory, and its last commit is ahead.
  [[nodiscard]] bool takes_turns() const noexcept { return live_ != nullptr && life_.now() != phase::finalising; }

  /// Null while the actor is not in memory.
  [[nodiscard]] activation* live() const noexcept { return live_; }
  /// In its cell, which is this object's.
  void make_live(cell& mine);
  void end_live() noexcept;

  /// The newest epoch that the state can depend on.
  [[nodiscard]] epoch_number dependency() const noexcept { return dependency_; }
  void set_dependency(epoch_number dependency) noexcept { dependency_ = dependency; }
  /// Whether a change of the state needs nothing more at the end of its turn: the actor is ephemeral, or relaxed with a
  /// save on its way.
  [[nodiscard]] bool quick_writes() const noexcept { return quick_writes_; }
  void set_quick_writes(bool on) noexcept { quick_writes_ = on; }
  [[nodiscard]] turn_tally& tally() noexcept { return tally_; }

  /// Nil while the actor is not known to exist, and while nothing has asked for that of one that is never stored: see
  /// `directory::id_of`.
  [[nodiscard]] const actor_id& known_id() const noexcept;
  [[nodiscard]] bool is(const actor_id& wanted) const noexcept { return known_id() == wanted; }
  /// By the directory, which finds it by id.
  void set_id(const actor_id& id);

 protected:
  explicit locked_actor(served_type& kind) noexcept;
  ~locked_actor() { end_live(); }

  [[nodiscard]] bool lets_out_apart(epoch_number dependency) const noexcept;

  // `work::context` is the kind.
  mailbox mailbox_;
  activation* live_ = nullptr;  ///< owned
  epoch_number dependency_ = 0;
  [[no_unique_address]] turn_tally tally_;
  lifecycle life_;
  bool quick_writes_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
