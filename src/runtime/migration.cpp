// SPDX-License-Identifier: Apache-2.0
#include "migration.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include <troupe/actor/address.hpp>
#include <troupe/actor/stored_version.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>
#include <troupe/json.hpp>

#include "../codec/edited_json.hpp"
#include "../core/text_of.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void check_input(const std::optional<bytes>& input, const definition& type, const troupe::key& key) {
  if (!input) return;
  const auto version = open_version(*input).version;
  if (version <= type.input_version) return;
  throw error(errc::newer_state, fmt::format("the creation input of {} is of version {}, the program's is {}",
                                             name_of(type, key), version, type.input_version));
}

migrated_state::migrated_state(const definition& type, const actor_record& record)
    : type_{type}, record_{record}, view_{record.state} {
  if (record.version >= type.version || type.migrate == nullptr) return;
  std::string_view step = "decode";
  try {
    const auto before = decode<json>(record.state);
    json state = before;
    step = "migrate";
    type.migrate(state, static_cast<int>(record.version));
    migrated_ = encode_edited(record.state, before, state);
  } catch (...) {
    refuse(step);
  }
  view_ = migrated_;
}

void migrated_state::refuse(std::string_view step) const {
  const auto name = name_of(type_, troupe::key::parse(record_.key));
  const auto detail = fmt::format("{}, stored as version {}, read as version {}, fails in {}: {}", name,
                                  record_.version, type_.version, step, text_of(std::current_exception()));
  auto metadata = fmt::format(R"({{"actor":{},"stored_version":{},"version":{},"step":"{}"}})", to_json(encode(name)),
                              record_.version, type_.version, step);
  std::throw_with_nested(error(errc::unreadable_state, detail, std::move(metadata)));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
