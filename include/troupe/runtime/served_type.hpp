// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include <troupe/actor/address.hpp>
#include <troupe/actor/definition.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;
class commit_ledger;
class runtime_core;
struct cell_extension;

/// The part of the commits that every call looks at.
struct commit_state {
  std::atomic<epoch_number> durable{0};  ///< all up to this epoch is
  std::atomic<bool> refusing{false};     ///< the store does not keep up: no more changes
  const commit_ledger* apart = nullptr;  ///< each actor has epochs of its own: `durable` stays 0, and this knows
};

/// The ways from a cell, and from the units below the procedures of its life, to the units that are built on them.
/// There is one table for all cells of a program: `runtime_assembly` has it.
struct cell_handlers {
  /// The executor has come to a cell, as `work`, that was posted locked.
  void (*run)(work& posted) noexcept;
  /// Runs at most `budget` messages of a locked cell, then unlocks it or posts it.
  void (*run_messages)(cell& c, int budget) noexcept;
  /// Wakes the actor of a locked cell, if that is simple: see `wake_at_once`.
  bool (*wake_at_once)(cell& c, const address& wanted);
  /// By the holder: some of the signals of `pending_signals` have come.
  void (*signalled)(cell& c, std::uint8_t wanted) noexcept;
  /// From the committer: the holder is to encode the image of the actor that has been asked for.
  void (*image_awaited)(cell& c) noexcept;
  /// By the holder: the actor has done nothing for `options::sleep_after`.
  void (*idle)(cell& c) noexcept;
  /// One reference is given back, and was maybe the last.
  void (*release)(cell& c) noexcept;
  /// Ends the extension of a cell.
  void (*end_extension)(cell_extension& extension) noexcept;
};

/// A definition in a runtime: all that its cells share.
struct served_type {
  runtime_core& core;
  const cell_handlers& handlers;
  const definition& type;
  const commit_state& commits;
  const std::atomic<bool>& stopping;  ///< the runtime shuts down: calls are refused
  /// Its actors are not stored, and none of their code runs when they wake: see `cell::try_wake`.
  bool wakes_at_once;
  bool observes_turns;  ///< see `observer::wants_turns`
  /// The offset of the live copy in the block of a cell. 0: the live copy has a block of its own.
  std::uint32_t live_at;
  /// The offset of the id there, for stored actors. 0: the live copy has the id.
  std::uint32_t id_at;
  std::uint32_t cell_bytes;  ///< the size of the block of a cell
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
