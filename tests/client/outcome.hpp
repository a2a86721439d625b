// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <troupe/core/error.hpp>
#include <troupe/core/task.hpp>
#include <troupe/core/when.hpp>

/// How something that was awaited in the background ended, if it has.
template <class T>
struct outcome {
  std::optional<T> value;
  std::string failure;  ///< "group.code", or the text of another exception

  [[nodiscard]] bool over() const noexcept { return value.has_value() || !failure.empty(); }
};

/// Awaits one thing and keeps its outcome: `runtime->spawn(keep(room.call<&room::enter>(), entered))`.
/// A void result is kept as `std::monostate`.
template <class Awaitable>
troupe::task<> keep(Awaitable awaitable,
                    outcome<troupe::detail::join_value<troupe::detail::await_result<Awaitable>>>& out) {
  try {
    if constexpr (std::is_void_v<troupe::detail::await_result<Awaitable>>) {
      co_await std::move(awaitable);
      out.value.emplace();
    } else {
      auto value = co_await std::move(awaitable);
      out.value.emplace(std::move(value));
    }
  } catch (const troupe::error& e) {
    out.failure = e.group() + "." + e.code();
  } catch (const std::exception& e) {
    out.failure = e.what();
  }
}
