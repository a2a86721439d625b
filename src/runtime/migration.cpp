#include "migration.hpp"

#include <troupe/json.hpp>

namespace troupe::inline v0 {
namespace detail {

bytes migrate_state(bytes_view stored, void (*migrate)(json& state, int from), std::uint32_t from) {
  auto state = decode<json>(stored);
  migrate(state, static_cast<int>(from));
  return encode(state);
}

}  // namespace detail
}  // namespace troupe::inline v0
