// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <troupe/client/handle.hpp>
#include <troupe/client/handle_core.hpp>
#include <troupe/runtime/runtime.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;
class directory;

}  // namespace detail

namespace testing {

/// The only door by which simulations reach into a runtime. The classes behind it have it as a friend, and no member
/// that is for tests alone.
struct test_door {
  template <class A>
  [[nodiscard]] static const troupe::detail::handle_core& core_of(const handle<A>& h) noexcept {
    return h.core_;
  }
  [[nodiscard]] static troupe::detail::runtime_assembly& core_of(runtime& r) noexcept { return *r.core_; }

  /// One of the cells in memory, as chance has it, retained; null if there is none.
  [[nodiscard]] static troupe::detail::cell* any_cell(troupe::detail::directory& cells, std::uint64_t random) noexcept;

  /// The process dies, as far as that can be played within one: nothing more is stored, no hook runs, and all that
  /// waits is told that its outcome is open. Returns false if something still runs then. `how` is the reason given to
  /// interrupted waits and late calls, for people.
  static bool kill(troupe::detail::runtime_assembly& runtime, std::string_view how) noexcept;
};

}  // namespace testing
}  // namespace v0
}  // namespace troupe
