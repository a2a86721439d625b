// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace troupe {
inline namespace v0 {

/// A data member that is not stored: a cache, a socket, a parsed form of other members. It is value-initialised when
/// the actor wakes, and `on_wake` may fill it.
///
///     troupe::transient<profile> cached;
///     *cached = co_await users_db.find(c.key());
///
/// Encoding skips it and decoding leaves it alone. Otherwise it behaves as the T it holds; it is no container element.
template <class T>
class transient {
 public:
  using value_type = T;

  constexpr transient() = default;

  template <class U = T>
    requires(std::constructible_from<T, U> && !std::same_as<std::remove_cvref_t<U>, transient>)
  constexpr explicit(!std::convertible_to<U, T>) transient(U&& value) : value_(std::forward<U>(value)) {}

  template <class U = T>
    requires(std::assignable_from<T&, U> && !std::same_as<std::remove_cvref_t<U>, transient>)
  constexpr transient& operator=(U&& value) {
    value_ = std::forward<U>(value);
    return *this;
  }

  [[nodiscard]] constexpr T& get() noexcept { return value_; }
  [[nodiscard]] constexpr const T& get() const noexcept { return value_; }
  [[nodiscard]] constexpr T& operator*() noexcept { return value_; }
  [[nodiscard]] constexpr const T& operator*() const noexcept { return value_; }
  [[nodiscard]] constexpr T* operator->() noexcept { return &value_; }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return &value_; }

 private:
  T value_{};
};

namespace detail {
template <class T>
inline constexpr bool is_transient = false;
template <class T>
inline constexpr bool is_transient<transient<T>> = true;
template <class T>
inline constexpr bool is_transient<const transient<T>> = true;
}  // namespace detail

}  // namespace v0
}  // namespace troupe
