// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "accounts.hpp"

namespace bank_test {

/// A bank when all that was in its queues, and on its way, has been handled.
struct audit {
  std::vector<bank::report> reports;  ///< by account
  std::vector<std::string> faults;    ///< what is broken whatever was ordered
};

/// Opens a database, waits until nothing moves any more, and reads every account.
[[nodiscard]] audit inspect(const std::string& database);

}  // namespace bank_test
