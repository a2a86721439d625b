// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include <troupe/actor/options.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {

/// Something that may go wrong: how likely, and when.
///
///     faults.crash = {.probability = 0.001, .until = 1min, .most = 3};
struct fault {
  double probability = 0;                   ///< each time that it could happen
  std::chrono::nanoseconds from{0};         ///< not before this much virtual time has passed
  std::chrono::nanoseconds until = never;   ///< not from then on
  std::uint32_t most = UINT32_MAX;          ///< not more often than this
};

/// What goes wrong in a simulation. By default nothing does.
///
/// A fault that cannot happen takes no random number: with all others as they were, the run is what it was without it.
struct faults {
  // --- the process ---

  /// It is killed between two pieces of work: before or after any turn, or while any I/O is under way.
  fault crash{};
  /// It is killed when a commit begins, and nothing of that is stored.
  fault crash_before_commit{};
  /// It is killed when a commit has been stored, and nobody has been told.
  fault crash_after_commit{};
  /// With a `simulated_disk`: it is killed between two of a commit's changes to files.
  fault crash_in_write{};
  /// As `crash`; and on a `simulated_disk`, what was not synced is lost, or torn.
  fault power_cut{};
  /// How long it is down, at most, after each of these.
  std::chrono::nanoseconds down_max = std::chrono::seconds{1};

  // --- the store ---

  /// A commit fails; and so do all others for as long: once, for a while, or (`never`) for ever.
  fault commit_fails{};
  std::chrono::nanoseconds commit_fails_for{0};
  /// The outcome of a commit is unknown: it was stored, or not. With a commit for each actor that actor ends, and wakes
  /// with what is stored; else the runtime stops for good.
  fault commit_unknown{};
  /// With a commit for each actor: the store refuses one since another process has owned the actor for a moment. The
  /// actor ends as well.
  fault actor_taken{};
  /// A commit takes long. (Others take up to 3 milliseconds.)
  fault slow_commit{};
  std::chrono::nanoseconds slow_commit_max = std::chrono::seconds{2};
  /// An actor cannot be read.
  fault load_fails{};
  /// An actor, or a list, is read slowly. (Others are read at once.)
  fault slow_load{};
  std::chrono::nanoseconds slow_load_max = std::chrono::milliseconds{200};

  // --- time, and other threads ---

  /// A piece of work comes late: a message, a reply, an event, an actor's next turn.
  fault delay{};
  std::chrono::nanoseconds delay_max = std::chrono::milliseconds{20};
  /// A piece of work stalls: above all, a subscriber that does not take its events.
  fault stall{};
  std::chrono::nanoseconds stall_max = std::chrono::seconds{30};
  /// The process is suspended for a while: both clocks jump forward.
  fault clock_jump{};
  std::chrono::nanoseconds clock_jump_max = std::chrono::minutes{1};
  /// Somebody sets the wall clock, forward or back.
  fault wall_clock_jump{};
  std::chrono::nanoseconds wall_clock_jump_max = std::chrono::hours{1};
  /// An idle actor is held for a moment, as if another thread ran it, so that calls queue up which would have run on
  /// the spot. No fault but everyday life on several threads, so it is on by default.
  fault busy{.probability = 1.0 / 16};
};

}  // namespace testing
}  // namespace v0
}  // namespace troupe
