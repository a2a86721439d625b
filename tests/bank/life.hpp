// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "../lives/traffic.hpp"

namespace bank_test {

/// One life of the bank.
struct life : lives::life {
  std::uint64_t first_order = 0;  ///< numbers from here on are free
  bool quiet = false;             ///< no orders: it only goes on with what was left
};

/// Runs traffic until it is killed, or the leash is let go. Returns the exit status.
[[nodiscard]] int live(const life& how);

/// Opens the accounts.
void found_bank(const std::string& database);

}  // namespace bank_test
