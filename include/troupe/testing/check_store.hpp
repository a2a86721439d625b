// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {

/// Tries every promise of `troupe::store` that can be tried without pulling a plug, and returns one sentence for each
/// that is broken: nothing if the store keeps them all. It needs no test framework:
///
///     REQUIRE(troupe::testing::check_store(make_my_store) == std::vector<std::string>{});
///
/// `make` opens the same store each time; it is empty at first, and ought not to be used for anything afterwards.
/// Blocks; runs a few threads of its own; takes a second or so with a store on a disk. An answer that does not come
/// within ten seconds counts as broken.
[[nodiscard]] std::vector<std::string> check_store(const store_factory& make);

}  // namespace testing
}  // namespace v0
}  // namespace troupe
