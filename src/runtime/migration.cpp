#include "migration.hpp"

#include <fmt/format.h>

#include <troupe/actor/stored_version.hpp>
#include <troupe/core/error.hpp>
#include <troupe/json.hpp>
#include <troupe/runtime/cell.hpp>

#include "../codec/edited_json.hpp"

namespace troupe::inline v0 {
namespace detail {

bytes migrate_state(bytes_view stored, void (*migrate)(json& state, int from), std::uint32_t from) {
  const auto before = decode<json>(stored);
  json state = before;
  migrate(state, static_cast<int>(from));
  return encode_edited(stored, before, state);
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
