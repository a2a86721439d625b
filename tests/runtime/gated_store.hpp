// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <troupe/core/error.hpp>
#include <troupe/store/store.hpp>

namespace behaviour {

/// A store whose commits the test holds, fails and counts; else a `troupe::memory`. Copies are one store, and stand in
/// `runtime_options::store`. It also knows what is durable, so that a test can look at it, or go on from there as after
/// a crash. All members may be called from any thread.
class gated_store {
 public:
  using contents = std::map<troupe::actor_id, troupe::actor_record>;

  gated_store();

  /// Commits from now on wait for `let_go`.
  void hold();
  /// Lets commits happen again, the one that waits first.
  void let_go();
  /// Lets the commit that waits happen; the next one waits again.
  void let_one_go();
  [[nodiscard]] bool is_holding_one() const;

  /// Commits from now on fail.
  void fail(troupe::errc why = troupe::errc::store_full);
  /// The outcome of commits from now on is unknown.
  void lose_track();
  /// Commits from now on are refused for good, on account of their first write-set.
  void refuse();
  /// Commits from now on find that another has opened the store.
  void lose_ownership();
  void take_at_most(std::size_t value_bytes);
  void heal();

  /// Loads from now on wait for `let_loads_go`.
  void hold_loads();
  void let_loads_go();
  /// In reverse: the request that was made first is answered last.
  void let_loads_go_last_first();

  /// Called after every commit, with what is durable then.
  void after_commit(std::function<void(const contents&)> f);

  [[nodiscard]] std::size_t commits() const;
  [[nodiscard]] std::size_t attempts() const;
  [[nodiscard]] std::size_t loads() const;
  /// How often it was asked for some of those together.
  [[nodiscard]] std::size_t questions() const;
  /// Write-sets in successful commits.
  [[nodiscard]] std::size_t write_sets() const;

  [[nodiscard]] contents durable() const;
  /// Messages that have been sent and have not arrived.
  [[nodiscard]] std::map<std::uint64_t, troupe::bytes> on_their_way() const;
  /// Another store that has what is durable now: what a crash would leave.
  [[nodiscard]] gated_store after_crash() const;

  [[nodiscard]] std::unique_ptr<troupe::store> operator()() const;

 private:
  struct shared;
  class opened_store;

  [[nodiscard]] std::vector<troupe::load_request*> take_held_loads();
  void answer(troupe::commit_request::outcome result, troupe::errc why);
  [[nodiscard]] std::size_t count(std::size_t shared::*which) const;

  std::shared_ptr<shared> shared_;
};

}  // namespace behaviour
