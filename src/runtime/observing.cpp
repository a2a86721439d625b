// SPDX-License-Identifier: Apache-2.0
#include "observing.hpp"

#include <exception>

#include <troupe/actor/address.hpp>
#include <troupe/actor/definition.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

observed_actor seen(const address& a) noexcept {
  const bool by_id = a.how == address::intent::by_id;
  return {a.type->name, by_id ? nullptr : &a.key, by_id ? a.id : actor_id{}};
}

observer* observer_of(const runtime_core& core) noexcept { return core.observed_by(); }

void report_observer(runtime_core& core) noexcept { core.report(std::current_exception(), "an observer"); }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
