// SPDX-License-Identifier: Apache-2.0
#include "store_limits.hpp"

#include <string_view>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A message on its way carries more than itself and an input: a key, and tags.
constexpr std::size_t parcel_bytes_beside = 64U << 10;

}  // namespace

void check_fits_store(const definition& d, std::size_t value_bytes_max) {
  const auto require = [&](std::size_t limit, std::string_view option) {
    if (limit <= value_bytes_max) return;
    throw error(errc::invalid_config,
                fmt::format("{}: {} is {}, and the store takes values of {} bytes; set it to less", d.name, option,
                            limit, value_bytes_max));
  };
  if (d.options.durability != durability::ephemeral) {
    for (const auto& part : d.parts) require(part.row_bytes_max, "the size of the rows of a part");
  }
  if (d.options.durability == durability::ephemeral && d.queues.empty()) return;
  require(d.options.state_bytes_max, "options::state_bytes_max");
  require(d.options.input_bytes_max, "options::input_bytes_max");
  // A message on its way has the key, the tags and the input for its receiver beside it.
  for (const auto& q : d.queues) {
    const auto limit = q.options.message_bytes_max;
    require(limit > value_bytes_max ? limit : limit + d.options.input_bytes_max + parcel_bytes_beside,
            fmt::format("queue_options::message_bytes_max of \"{}\", with options::input_bytes_max,", q.name));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
