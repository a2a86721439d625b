// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <troupe/runtime/observer.hpp>

/// \file
/// How the parts of a runtime tell its observer.

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;
struct address;

/// An actor that is not known to be anywhere.
[[nodiscard]] observed_actor seen(const address& a) noexcept;

/// Null if there is none.
[[nodiscard]] observer* observer_of(const runtime_core& core) noexcept;
/// The exception that is being handled.
void report_observer(runtime_core& core) noexcept;

/// Calls a function of the runtime's observer, if there is one: `tell(core, [&](observer& o) { o.actor_woke(...); })`.
/// What it throws is reported.
template <class F>
void tell(runtime_core& core, F&& function) noexcept {
  observer* const o = observer_of(core);
  if (o == nullptr) [[likely]]
    return;
  try {
    std::forward<F>(function)(*o);
  } catch (...) {
    report_observer(core);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
