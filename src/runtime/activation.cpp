// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/activation.hpp>

#include <exception>
#include <memory>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/runtime/cell.hpp>

#include "../core/text_of.hpp"
#include "core.hpp"
#include "id_source.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

std::string activation::name() const { return owner_.name(); }

// A creation that was cut short goes on with the input that the store has, which may be of another program.
void activation::refuse_input() const {
  std::throw_with_nested(error(errc::unreadable_state, fmt::format("{}, in its creation input: {}", name(),
                                                                   text_of(std::current_exception()))));
}

const std::shared_ptr<const tags>& activation::no_tags() noexcept {
  static const tags none;
  static const std::shared_ptr<const tags> unowned{std::shared_ptr<const void>{}, &none};
  return unowned;
}

const actor_id& activation::known_id() const noexcept {
  static const actor_id none;
  return more_ ? more_->id : none;
}

std::uint32_t activation::life() {
  auto& mine = more().life;
  while (mine == 0) mine = owner_.core().ids().life();
  return mine;
}

std::stop_token activation::stop_token() {
  auto& source = more().stop;
  if (!source.stop_possible()) {
    source = std::stop_source{};
    if (stopping) source.request_stop();
  }
  return source.get_token();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
