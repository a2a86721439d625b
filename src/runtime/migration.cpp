#include "migration.hpp"

#include <nlohmann/json.hpp>

#include <troupe/core/error.hpp>

namespace troupe::inline v0 {
namespace detail {

bytes migrate_state(bytes_view stored, void (*migrate)(json& state, int from), std::uint32_t from) {
  const auto* const first = reinterpret_cast<const std::uint8_t*>(stored.data());
  json state = json::from_cbor(first, first + stored.size(), true, false, json::cbor_tag_handler_t::ignore);
  if (state.is_discarded()) throw error(errc::invalid_data, "the stored state is damaged and cannot be migrated");
  migrate(state, static_cast<int>(from));
  std::vector<std::uint8_t> encoded;
  json::to_cbor(state, encoded);
  const auto* const out = reinterpret_cast<const std::byte*>(encoded.data());
  return {out, out + encoded.size()};
}

}  // namespace detail
}  // namespace troupe::inline v0
