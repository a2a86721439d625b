// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/store/sqlite_store.hpp>

#include "../lives/traffic.hpp"

namespace crash {

/// One life of the program under test.
struct life : lives::life {
  troupe::synchronous synchronous = troupe::synchronous::full;
};

/// Runs traffic until it is killed, or the leash is let go. Returns the exit status.
[[nodiscard]] int live(const life& how);

}  // namespace crash
