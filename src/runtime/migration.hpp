// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <troupe/actor/definition.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/key.hpp>
#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The stored state of an actor, brought up to date with its definition's `migrate`. A failure is
/// `actor.unreadable_state`: it names the actor, the step and both versions, and has the cause nested in it.
class migrated_state {
 public:
  /// Both have to outlive this. Throws `actor.unreadable_state`.
  migrated_state(const definition& type, const actor_record& record);

  /// Calls `decode(bytes_view)` with the state in its present shape.
  template <class Decode>
  void read(Decode&& decode) const {
    try {
      decode(view_);
    } catch (...) {
      refuse("decode");
    }
  }

 private:
  [[noreturn]] void refuse(std::string_view step) const;  ///< within a catch

  const definition& type_;
  const actor_record& record_;
  bytes migrated_;
  bytes_view view_;
};

/// Throws `actor.newer_state` if a newer program has stored this creation input. It is left to that program: an
/// on_create that fails would end the actor.
void check_input(const std::optional<bytes>& input, const definition& type, const troupe::key& key);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
