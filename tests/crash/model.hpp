// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors.hpp"
#include "journal.hpp"
#include "observation.hpp"

namespace crash {

/// What must be in the database, and what may be: from what was found in it after the last crash, and what the life
/// since then has tried and has had acknowledged.
class model {
 public:
  void hear(const record& r);

  /// Whatever of an observation cannot be. Empty: it is a state that the promises allow.
  [[nodiscard]] std::vector<std::string> faults_of(const observation& seen) const;

  /// Begins a new life from there.
  void adopt(const observation& seen);

  /// Ids of actors whose end was acknowledged; of late ones only.
  [[nodiscard]] const std::vector<troupe::actor_id>& ended() const noexcept { return ended_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }

 private:
  struct bounds {
    std::uint64_t least = 0;      ///< the highest number that was acknowledged
    std::uint64_t base = 0;       ///< when the life began
    std::uint64_t tried = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t most() const { return base + tried; }
  };
  struct mayfly_record {
    std::optional<troupe::actor_id> id;
    std::uint64_t token = 0;
    bounds touches;
    bool may_be_gone = false;
    std::vector<std::uint64_t> may_be;  ///< tokens of those whose creation was tried since
  };
  using faults = std::vector<std::string>;

  void hear_mayfly(const record& r);
  void check_counters(const observation& seen, faults& all) const;
  void check_gauges(const observation& seen, faults& all) const;
  void check_wallets(const observation& seen, faults& all) const;
  void check_ledgers(const observation& seen, faults& all) const;
  void check_mayflies(const observation& seen, faults& all) const;
  void check_ids(const observation& seen, faults& all) const;

  std::array<bounds, counters> counts_;
  std::array<bounds, gauges> dials_;
  std::array<bounds, wallets> told_;
  std::array<std::array<bounds, wallets>, wallets> sent_;  ///< from, to
  std::array<mayfly_record, workers * mayflies_each> mayflies_;
  std::map<std::string, troupe::actor_id> ids_;
  std::vector<troupe::actor_id> ended_;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace crash
