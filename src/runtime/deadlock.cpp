// SPDX-License-Identifier: Apache-2.0
#include "deadlock.hpp"

#include <utility>

#include <fmt/format.h>

#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

// The address lives as long as the invocation. An invocation without one holds its actor or serves a message there, and
// cannot end while the lock of the graph is held.
std::string name_of(const invocation& inv) {
  return fmt::format("{} in {}", inv.what(), inv.origin != nullptr ? inv.origin->name() : inv.target->name());
}

std::string describe_wait_for_itself(const invocation& sent, const invocation& holder) {
  std::string below = name_of(sent);
  long known = 0;  // of those that keep the link
  for (const invocation* one = &sent;;) {
    ++known;
    const bool is_holder = one == &holder;
    const invocation* const above = is_holder ? nullptr : one->caller.get();
    if (!is_holder && (above == nullptr || one->beside || one->abandoned() || one->has_answer())) return {};
    if (is_holder || above->link != one->link) {
      if (one->link.use_count() != known) return {};  // other calls of the chain live on
      known = 1;  // the link itself keeps the one above
    }
    if (is_holder) return fmt::format("{} keeps all consumers out, and waits for {}", name_of(holder), below);
    if (above != &holder) below = fmt::format("{}, which waits for {}", name_of(*above), below);
    one = above;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
