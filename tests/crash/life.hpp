#pragma once

#include <cstdint>
#include <string>

#include <troupe/store/sqlite_store.hpp>

namespace crash {

/// One life of the program under test.
struct life {
  std::string database;
  std::uint64_t seed = 0;   ///< of the traffic
  troupe::synchronous synchronous = troupe::synchronous::full;
  std::string fault;        ///< see plant()
  int journal = -1;         ///< the end of a pipe to write to
  int leash = -1;           ///< the end of a pipe to read from: when it closes, the life ends by itself
};

/// Runs traffic until it is killed, or the leash is let go. Returns the exit status.
[[nodiscard]] int live(const life& how);

}  // namespace crash
