// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/registry.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {

void registry::add(detail::definition d) {
  if (d.name.empty()) throw error(errc::invalid_config, "an actor's name may not be empty");
  if (d.name.size() > name_bytes_max) {
    throw error(errc::invalid_config, fmt::format("the name \"{:.16}...\" has {} bytes, {} are allowed", d.name,
                                                  d.name.size(), name_bytes_max));
  }
  for (const auto& other : definitions_) {
    if (other->name == d.name) throw error(errc::invalid_config, fmt::format("two actors are named \"{}\"", d.name));
    if (other->type == d.type) {
      throw error(errc::invalid_config, fmt::format("\"{}\" and \"{}\" are the same type", other->name, d.name));
    }
  }
  d.ordinal = static_cast<std::uint32_t>(definitions_.size());
  const auto& o = d.options;
  const auto positive = [&](std::chrono::nanoseconds value, const char* option) {
    if (value <= value.zero()) {
      throw error(errc::invalid_config, fmt::format("{}: options::{} must be more than 0", d.name, option));
    }
  };
  positive(o.sleep_after, "sleep_after");
  positive(o.sleep_grace_period, "sleep_grace_period");
  positive(o.save_interval, "save_interval");
  positive(o.action_timeout, "action_timeout");
  positive(o.on_create_timeout, "on_create_timeout");
  positive(o.on_wake_timeout, "on_wake_timeout");
  positive(o.on_connect_timeout, "on_connect_timeout");
  positive(o.run_restart_min, "run_restart_min");
  positive(o.run_restart_max, "run_restart_max");
  positive(o.long_turn, "long_turn");
  if (o.connection_events_max == 0) {
    throw error(errc::invalid_config, fmt::format("{}: options::connection_events_max must be more than 0", d.name));
  }
  if (o.mailbox_calls_max == 0) {
    throw error(errc::invalid_config, fmt::format("{}: options::mailbox_calls_max must be more than 0", d.name));
  }
  for (const auto& part : d.parts) {
    d.loads_messages = d.loads_messages || part.loads_messages;
    d.is_woken_by_parts = d.is_woken_by_parts || (part.wakes && o.durability != durability::ephemeral);
    d.collections.insert(d.collections.end(), part.collections.begin(), part.collections.end());
  }
  std::sort(d.collections.begin(), d.collections.end());
  TROUPE_ASSERT(std::adjacent_find(d.collections.begin(), d.collections.end()) == d.collections.end(),
                "a collection belongs to one part");
  definitions_.push_back(std::make_shared<const detail::definition>(std::move(d)));
}

std::string registry::describe() const {
  std::string all;
  for (const auto& d : definitions_) all += fmt::format("{}{}", all.empty() ? "" : ",", detail::describe(*d));
  return fmt::format("[{}]", all);  // g++ 12 -O3 sees an overlap in "[" + all (GCC PR 105651)
}

}  // namespace v0
}  // namespace troupe
