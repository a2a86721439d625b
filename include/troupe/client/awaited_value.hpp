// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include <troupe/codec/check.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A base of calls that give a V. Where the call itself is used as if it were the V, as in `int n = h.call<...>();`,
/// the conversion below fits and says what is missing. It fits nowhere else, and is never called.
template <class V>
class awaited_value {
 public:
  template <class T>
    requires(!std::derived_from<T, awaited_value> && std::convertible_to<V, T>)
  operator T() const {  // NOLINT(google-explicit-constructor)
    static_assert(!std::same_as<T, T>,
                  "troupe: a call is not its value: `co_await` it, or on a plain thread say `.get()`");
    return never<T>();
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
