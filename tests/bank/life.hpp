#pragma once

#include <cstdint>
#include <string>

namespace bank_test {

/// One life of the bank.
struct life {
  std::string database;
  std::uint64_t seed = 0;         ///< of the traffic
  std::uint64_t first_order = 0;  ///< numbers from here on are free
  bool quiet = false;             ///< no orders: it only goes on with what was left
  std::string fault;              ///< see plant()
  int journal = -1;               ///< the end of a pipe to write to
  int leash = -1;                 ///< the end of a pipe to read from: when it closes, the life ends by itself
};

/// Runs traffic until it is killed, or the leash is let go. Returns the exit status.
[[nodiscard]] int live(const life& how);

/// Opens the accounts.
void found_bank(const std::string& database);

}  // namespace bank_test
