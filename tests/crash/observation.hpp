// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors.hpp"

namespace crash {

/// Everything that a database holds, as the actors tell it.
struct observation {
  std::array<std::optional<counter>, counters> counts;
  std::array<std::optional<wallet>, wallets> purses;
  std::array<std::optional<gauge>, gauges> dials;
  std::array<std::optional<mayfly::portrait>, workers * mayflies_each> mayflies;
  std::map<std::string, ledger> ledgers;
  std::map<std::string, troupe::actor_id> ids;  ///< by "type/key", mayflies left out
  std::vector<std::string> faults;              ///< what is broken whatever happened before
};

/// Opens a database, wakes every actor in it and looks at it. `ended` are ids of actors that must not be there.
[[nodiscard]] observation observe(const std::string& database, const std::vector<troupe::actor_id>& ended);

}  // namespace crash
