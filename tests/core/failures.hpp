// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <optional>
#include <string>

#include <troupe/core/error.hpp>

/// What `f` throws, as troupe's error; nothing if it does not throw. Other exceptions go through.
template <class F>
std::optional<troupe::error> failure_of(F&& f) {
  try {
    f();
  } catch (const troupe::error& e) {
    return e;
  }
  return std::nullopt;
}

/// "group.code" of what `f` throws, or "nothing".
template <class F>
std::string code_of(F&& f) {
  const auto e = failure_of(f);
  return e ? e->group() + "." + e->code() : "nothing";
}

/// The sentence that `f` fails with, or nothing.
template <class F>
std::string message_of(F&& f) {
  const auto e = failure_of(f);
  return e ? e->message() : std::string{};
}
