// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <troupe/troupe.hpp>

#include "../../examples/bank/bank.hpp"

namespace bank_test {

inline constexpr std::size_t accounts = 1'000;
inline constexpr bank::money opening = 100;
inline constexpr bank::money total = opening * static_cast<bank::money>(accounts);

inline std::string name_of(std::size_t account) { return "account-" + std::to_string(account); }

/// The bank of the example. Its accounts sleep as soon as they are left alone, so that lives are full of waking.
inline troupe::registry served() {
  troupe::options restless;
  restless.sleep_after = std::chrono::milliseconds{2};
  troupe::use_options how;
  how.options = restless;
  troupe::registry registry;
  registry.use<bank::account>("account", how);
  return registry;
}

}  // namespace bank_test
