#include "migration.hpp"

#include <fmt/format.h>

#include <troupe/actor/stored_version.hpp>
#include <troupe/core/error.hpp>
#include <troupe/json.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe::inline v0 {
namespace detail {

bytes migrate_state(bytes_view stored, void (*migrate)(json& state, int from), std::uint32_t from) {
  auto state = decode<json>(stored);
  migrate(state, static_cast<int>(from));
  return encode(state);
}

void check_input(const std::optional<bytes>& input, const cell& c) {
  if (!input) return;
  const auto version = open_version(*input).version;
  if (version <= c.type().input_version) return;
  throw error(errc::newer_state, fmt::format("the creation input of {} is of version {}, the program's is {}", c.name(),
                                             version, c.type().input_version));
}

}  // namespace detail
}  // namespace troupe::inline v0
